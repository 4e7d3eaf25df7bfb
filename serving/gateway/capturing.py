"""Takes requests for captures: on a request's way their lines are made, and nothing is written."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from serving.captures import ShadowAnswer
from serving.captures.keeping import Limits
from serving.captures.shares import Shares
from serving.captures.taken import Failed, Taken
from serving.captures.writer import Writer, WriterSettings
from serving.catalog import Catalog
from serving.contract import Contract
from serving.errors import InvalidInstance, PredictionError
from serving.gateway.middleware.request_ids import request_id
from serving.gateway.request_facts import RequestFacts
from serving.gateway.settings import Settings
from serving.monitoring.gateway_metrics import Metrics
from serving.prediction.predictor import Prediction

_BUSY = 429


class Capturing:
    """Takes *shares* of the requests for models of *catalog*, which *writer* writes."""

    def __init__(self, shares: Shares, catalog: Catalog, writer: Writer) -> None:
        self._shares = shares
        self._catalog = catalog
        self._writer = writer

    @classmethod
    def of(cls, settings: Settings, catalog: Catalog, metrics: Metrics) -> "Capturing":
        """Return what *settings* ask for; raises UnusableCaptures or OSError."""
        low_score, low_share = settings.capture_low_score or (0.0, 0.0)
        shares = Shares(settings.capture_share, settings.capture_errors_share, low_score, low_share)
        key = settings.capture_hash_key_file.read_bytes() if settings.capture_hash_key_file else None
        limits = Limits(settings.capture_max_age, settings.capture_max_bytes)
        asked = WriterSettings(settings.capture, settings.capture_part_seconds, limits, key)
        return cls(shares, catalog, Writer(asked, metrics.captured, metrics.capture_dropped))

    def answered(self, facts: RequestFacts, instances: Sequence[Any], prediction: Prediction) -> bool:
        """Take a request that was answered, if it is one of the share. Return whether it was."""
        share = self._shares.of_answered(prediction.model, prediction.answers)
        if is_taken := _is_taken(share):
            self._take(facts, instances, share, prediction.answers, None)
        return is_taken

    def shadowed(self, request_id: str, prediction: Prediction) -> None:
        """Take what a shadow answered to a request that was taken."""
        now, model, version = datetime.now(UTC), prediction.model, prediction.version
        self._writer.take_shadow(
            [
                ShadowAnswer(time=now, request_id=request_id, index=index, model=model, version=version, answer=answer)
                for index, answer in enumerate(prediction.answers)
            ]
        )

    def failed(self, facts: RequestFacts, error: Exception) -> None:
        """Take a request whose instances were read and that failed, if it is one of the share.

        Those are left out that nobody looked at since there were too many.
        """
        if facts.instances is None or facts.model is None or getattr(error, "status", 0) == _BUSY:
            return
        share = self._shares.of_failed(facts.model)
        if _is_taken(share):
            self._take(facts, facts.instances.values, share, (), _failure(error))

    def close(self) -> None:
        """Have what waits be written."""
        self._writer.close()

    def _take(
        self, facts: RequestFacts, instances: Sequence[Any], share: float, answers: Sequence[Any], failed: Failed | None
    ) -> None:
        model = facts.model or ""
        contract = self._contract(model, facts.version)
        if contract is None:  # without one nobody knows what may be kept
            return
        taken = (datetime.now(UTC), request_id(), model, facts.version, share, contract, instances, answers, failed)
        self._writer.take(Taken(*taken))

    def _contract(self, model: str, version: int | None) -> Contract | None:
        """Return the contract of a version; of the newest if none was found for the request."""
        state = self._catalog.state(model)
        live = state.newest if version is None else state.live.get(version)
        return live.contract if live else None


def _is_taken(share: float) -> bool:
    return share >= 1 or random.random() < share  # noqa: S311 - nobody gains by guessing it


def _failure(error: Exception) -> Failed:
    if not isinstance(error, PredictionError):
        return Failed(500, PredictionError.code, "")
    faults = error.faults if isinstance(error, InvalidInstance) else ()
    return Failed(error.status, error.code, str(error), faults)
