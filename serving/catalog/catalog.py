"""The catalog: reading it never waits, and each refresh replaces the state of one model."""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from serving.catalog.admission import Admission
from serving.catalog.contract_cache import Contracts
from serving.catalog.model_server import ModelServer
from serving.catalog.state import LiveModel, ModelState
from serving.errors import (
    ModelServerOverloaded,
    ModelServerTimeout,
    PredictionError,
    UnknownLabel,
    UnknownModel,
    UnknownVersion,
)
from serving.tfserving.version_status import VersionStatus

_log = logging.getLogger(__name__)

STATUS_SECONDS = 2.0
LABEL_SECONDS = 1.0  # how long a label is assumed to name the same version
ADMISSION_SECONDS = 20.0  # without warm-up, the first answer of a version can take long

_MAX_LOOKS = 3
"""How many servers behind one address are queried before a version counts as removed."""

Canary = Mapping[str, Mapping[int, float]]
"""By model and version: the percentage of the requests that name no version."""


class Catalog:
    """The live versions of *models* on *server*, whose contracts *contracts* reads.

    *on_refresh* is called with the model and its state after each refresh.
    """

    def __init__(
        self,
        server: ModelServer,
        models: Sequence[str],
        on_refresh: Callable[[str, ModelState], None] = lambda model, state: None,
        canary: Canary | None = None,
        contracts: Contracts | None = None,
    ) -> None:
        self.models = tuple(models)
        self._server = server
        self._on_refresh = on_refresh
        self._contracts = contracts or Contracts()
        canary = canary or {}
        self._states = {model: ModelState(canary=canary.get(model, {})) for model in self.models}
        self._labels: dict[tuple[str, str], tuple[int, float]] = {}  # the version, and until when it holds
        self._locks = {model: threading.Lock() for model in self.models}
        self._started = dict.fromkeys(self.models, 0.0)

    def state(self, model: str) -> ModelState:
        """Return what is known of a model. Raise UnknownModel if it is not configured."""
        try:
            return self._states[model]
        except KeyError:
            raise UnknownModel(model, self.models) from None

    def live(
        self,
        model: str,
        version: int | None = None,
        budget_seconds: float = ADMISSION_SECONDS,
        without: int | None = None,
    ) -> LiveModel:
        """Return the named version, or else the newest or a canary, preferably not version *without*.

        Wait only if no version is live yet, or the named one is not; for at most *budget_seconds*.

        Raise UnknownModel, ModelNotReady or UnknownVersion.
        """
        state = self.state(model)
        if not state.live or (version is not None and version not in state.live):
            self.refresh(model, budget_seconds)
        return self.state(model).choose(model, version, without)

    def labelled(self, model: str, label: str, budget_seconds: float = ADMISSION_SECONDS) -> LiveModel:
        """Return the live version that a label names. Raise UnknownLabel, or the errors of `live`."""
        state = self.state(model)
        version, until = self._labels.get((model, label), (0, 0.0))
        if time.monotonic() >= until or version not in state.live:
            version = self._look_up(model, label, time.monotonic() + budget_seconds)
            self._labels[model, label] = version, time.monotonic() + LABEL_SECONDS
        return self.live(model, version, budget_seconds)

    def refresh(self, model: str, budget_seconds: float = ADMISSION_SECONDS) -> None:
        """Query the model server's versions, and admit new ones. A failure is recorded in the state, not raised.

        Simultaneous callers share one refresh, which started after they called. None waits longer than its budget.
        """
        called = time.monotonic()
        if not self._locks[model].acquire(timeout=max(budget_seconds, 0)):
            return
        try:
            if self._started[model] <= called:
                self._started[model] = time.monotonic()
                self._swap(model, self._refreshed(model, self._states[model], budget_seconds))
        finally:
            self._locks[model].release()

    def _refreshed(self, model: str, before: ModelState, budget_seconds: float) -> ModelState:
        try:
            statuses = self._statuses(model, before, min(STATUS_SECONDS, budget_seconds))
        except UnknownVersion:
            problem = "the model server has no such model"
            return ModelState(problem=problem, canary=before.canary)
        except ModelServerOverloaded as error:  # it is available; the next refresh queries it again
            return replace(before, problem=error.problem) if before.problem else before
        except PredictionError as error:
            if isinstance(error, ModelServerTimeout) and budget_seconds < STATUS_SECONDS:
                return before  # the caller's budget was too short to conclude anything
            # Live versions stay live: the server may be back before the next request.
            return replace(before, refused={}, statuses=(), problem=error.problem)
        seconds = min(ADMISSION_SECONDS, budget_seconds)
        return Admission(self._server, model, seconds, self._contracts).run(before, statuses)

    def _statuses(self, model: str, before: ModelState, seconds: float) -> list[VersionStatus]:
        """Query the versions, repeatedly while a live one is missing. Raise UnknownVersion if there are none.

        During a roll-over, some servers behind one address still have the old version, or already the new one.
        """
        found: dict[int, VersionStatus] = {}
        missing: set[int] = set(before.live)
        deadline = time.monotonic() + seconds
        for look in range(_MAX_LOOKS):
            try:
                statuses = self._server.versions(model, deadline - time.monotonic())
            except UnknownVersion:
                if look + 1 == _MAX_LOOKS and not found:
                    raise
                continue
            found |= {it.version: it for it in statuses if it.available or it.version not in found}
            missing -= {it.version for it in statuses if it.available}
            if not missing:
                break
        return list(found.values())

    def _look_up(self, model: str, label: str, deadline: float) -> int:
        for _ in range(_MAX_LOOKS - 1):
            with suppress(UnknownLabel):
                return self._server.labelled(model, label, deadline - time.monotonic())
        return self._server.labelled(model, label, deadline - time.monotonic())

    def _swap(self, model: str, after: ModelState) -> None:
        before, self._states[model] = self._states[model], after
        _log_changes(model, before, after)
        self._on_refresh(model, after)


def _log_changes(model: str, before: ModelState, after: ModelState) -> None:
    for version, live in after.live.items():
        if before.live.get(version) is not live:
            _log.info("%s: version %d is live", model, version)
    for version in before.live.keys() - after.live.keys():
        _log.info("%s: version %d is no longer live", model, version)
    for version, refusal in after.refused.items():
        if version not in before.refused or before.refused[version].reason != refusal.reason:
            _log.error("%s: version %d is not admitted: %s", model, version, refusal.reason)
    if after.problem and after.problem != before.problem:
        _log.warning("%s: %s", model, after.problem)
    if after.ready and not before.ready:
        _log.info("%s: ready", model)
