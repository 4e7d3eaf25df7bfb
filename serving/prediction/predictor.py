"""The one path from raw instances to answers, timed by stage; gateway and batch scoring both take it."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from serving.catalog import Catalog, LiveModel, ModelServer
from serving.contract import Contract, Features, Measures, Reference
from serving.contract.arrays import Array
from serving.contract.contract import SCORES
from serving.errors import (
    InvalidFields,
    ModelNotReady,
    ModelServerError,
    ModelServerTimeout,
    Overloaded,
    PredictionError,
    UnknownVersion,
)
from serving.prediction.concurrency import Limits
from serving.prediction.run_queue import RunQueue

STAGES = ("queue", "decode", "preprocess", "rpc", "postprocess")

_ATTEMPTS = 12
_PAUSE_SECONDS = 0.02
_LONGEST_PAUSE_SECONDS = 0.1
"""Pauses grow from attempt to attempt: servers behind one address don't all change their version at one moment."""


@dataclass(frozen=True)
class Prediction:
    """One answer for each instance, all by one version of the model; *stage_seconds* has a value for each of STAGES.

    *measures* are of the instances and their scores, where the contract has a *reference* to compare them with.
    Only `predict_each` leaves instances out: those that *rejected* has by their number.
    """

    model: str
    version: int
    answers: list[dict[str, Any]]
    stage_seconds: dict[str, float]
    reference: Reference | None = None
    measures: Measures | None = None
    rejected: Mapping[int, InvalidFields] = field(default_factory=dict)


class Predictor:
    """Answers by *catalog*'s contracts and *server*'s scores, within *limits*.

    *on_retry* is told the model when a request is done again since its version has gone; *on_stage* each stage that has
    just ended, and the seconds that it took. Of an error, `version` is the one that should have answered.
    """

    def __init__(
        self,
        catalog: Catalog,
        server: ModelServer,
        limits: Limits | None = None,
        on_retry: Callable[[str], None] = lambda model: None,
        on_stage: Callable[[str, float], None] | None = None,
        run_queue: RunQueue | None = None,
    ) -> None:
        self._catalog = catalog
        self._server = server
        self._limits = limits or Limits()
        self._on_retry = on_retry
        self._on_stage = on_stage
        self._run_queue = run_queue or RunQueue()

    def predict(
        self,
        model: str,
        instances: Sequence[Any],
        deadline_seconds: float,
        version: int | None = None,
        label: str | None = None,
    ) -> Prediction:
        """Answer each of *instances*, by the version that is named or labelled, or else as the catalog chooses.

        The call to the model server is pinned to the version whose contract made the features. If that version has
        gone meanwhile, everything is done again with the one that took its place. Raises the errors of
        `serving.errors`.
        """
        self._catalog.state(model)
        clock = _Clock(deadline_seconds, self._on_stage)
        try:
            with self._limits.turn(model, clock.remaining(model)):
                self._run_queue.begin()
                clock.lap("queue")
                return self._follow(model, instances, version, label, clock)
        except Overloaded:
            # Who is refused may ask again at once, and must not keep those from running that are not.
            self._run_queue.begin()
            raise

    def predict_each(self, live: LiveModel, instances: Sequence[Any], deadline_seconds: float) -> Prediction:
        """Answer those of *instances* that fit the contract, by just the version *live*: batch scoring holds on to one.

        Raises the errors of `serving.errors`.
        """
        clock = _Clock(deadline_seconds, self._on_stage)
        decoded, rejected = live.contract.decode_each(instances)
        clock.lap("decode")
        if not decoded:
            return Prediction(live.model, live.version, [], clock.seconds, rejected=rejected)
        return self._scored(live, decoded, clock, rejected)

    def _follow(
        self, model: str, instances: Sequence[Any], version: int | None, label: str | None, clock: "_Clock"
    ) -> Prediction:
        gone: int | None = None
        for attempt in range(_ATTEMPTS):
            if label is not None:
                live = self._catalog.labelled(model, label, clock.remaining(model))
            else:
                live = self._catalog.live(model, version, clock.remaining(model), without=gone)
            try:
                return self._once(live, instances, clock)
            except UnknownVersion:
                # Perhaps only of the one server that was asked: the next attempt goes to another.
                gone = live.version
                self._on_retry(model)
                self._catch_up(model, attempt, clock)
            except PredictionError as error:
                error.version = live.version
                raise
        raise ModelNotReady(model, "its versions change faster than a request can follow")

    def _once(self, live: LiveModel, instances: Sequence[Any], clock: "_Clock") -> Prediction:
        decoded = live.contract.decode(instances)
        clock.lap("decode")
        return self._scored(live, decoded, clock, {})

    def _scored(
        self, live: LiveModel, decoded: Sequence[Any], clock: "_Clock", rejected: Mapping[int, InvalidFields]
    ) -> Prediction:
        contract = live.contract
        features, inputs = _prepared(contract, decoded)
        clock.lap("preprocess")
        answered, outputs = self._server.predict(live.model, live.version, features, clock.remaining(live.model))
        clock.lap("rpc")
        scores = _checked(live, answered, outputs, len(decoded))
        answers = contract.output.answers(scores)
        measures = inputs.beside(contract.output.measured(scores)) if inputs else None
        clock.lap("postprocess")
        return Prediction(live.model, live.version, answers, clock.seconds, contract.reference, measures, rejected)

    def _catch_up(self, model: str, attempt: int, clock: "_Clock") -> None:
        if attempt:
            time.sleep(min(_PAUSE_SECONDS * attempt, _LONGEST_PAUSE_SECONDS, clock.remaining(model)))
        self._catalog.refresh(model, clock.remaining(model))
        clock.lap("rpc")


class _Clock:
    """Adds up the time by stage, and knows what is left until the deadline."""

    def __init__(self, deadline_seconds: float, on_stage: Callable[[str, float], None] | None) -> None:
        self.seconds = dict.fromkeys(STAGES, 0.0)
        self._on_stage = on_stage
        self._last = time.perf_counter()
        self._deadline = self._last + deadline_seconds

    def lap(self, stage: str) -> None:
        """Count the time since the last lap for *stage*."""
        now = time.perf_counter()
        self.seconds[stage] += now - self._last
        if self._on_stage:
            self._on_stage(stage, now - self._last)
        self._last = now

    def remaining(self, model: str) -> float:
        """Give the seconds left; raises ModelServerTimeout if there are none."""
        seconds = self._deadline - time.perf_counter()
        if seconds <= 0:
            raise ModelServerTimeout(model, "the deadline has passed")
        return seconds


def _prepared(contract: Contract, decoded: Sequence[Any]) -> tuple[Features, Measures | None]:
    """Make the features, and measure the instances if there is something to compare them with."""
    if contract.reference:
        return contract.preprocessor.measured(decoded)
    return contract.preprocessor.transform(decoded), None


def _checked(live: LiveModel, answered: int, outputs: dict[str, Array], count: int) -> Array:
    """Give the scores, once it is sure that they are what the contract says."""
    if answered != live.version:
        raise ModelServerError(live.model, f"version {answered} answered, asked for {live.version}")
    scores = outputs.get(SCORES)
    expected = (count, live.contract.output.width)
    if scores is None or scores.dtype != np.float32 or scores.shape != expected:
        got = "nothing" if scores is None else f"{scores.dtype}{list(scores.shape)}"
        raise ModelServerError(live.model, f"expected output '{SCORES}' as float32{list(expected)}, got {got}")
    if not np.isfinite(scores).all():
        raise ModelServerError(live.model, "the scores are not all finite numbers")
    return scores
