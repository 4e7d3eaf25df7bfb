"""The one path from raw instances to answers, timed by stage. Gateway and batch scoring both use it."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from serving.catalog import Catalog, LiveModel, ModelRunner
from serving.contract import Answers, Contract, Features, Measures, Reference, Rows, deadline
from serving.contract.answers import Outputs
from serving.errors import (
    Fault,
    ModelNotReady,
    ModelServerError,
    ModelServerTimeout,
    NotFinite,
    Overloaded,
    PredictionError,
    UnknownVersion,
)
from serving.prediction.concurrency import ConcurrencyLimits
from serving.prediction.run_queue import RunQueue

T = TypeVar("T")

STAGES = ("queue", "decode", "preprocess", "predict", "postprocess")
FORMER_STAGES = {"predict": "rpc"}
"""Former names of stages. Metrics and Server-Timing have them too until 0.2, for dashboards made before."""

_NOT_FINITE = "finite numbers of the model", "NaN or infinity"
_MAX_ATTEMPTS = 12
_PAUSE_SECONDS = 0.02
_MAX_PAUSE_SECONDS = 0.1
"""Pauses grow with each attempt, since servers behind one address don't all change versions at the same moment."""


@dataclass(frozen=True)
class Prediction:
    """One answer for each instance, all from one version of the model. *stage_seconds* has a value for each of STAGES.

    *measures* describe the instances and their scores, if the contract has a *reference* to compare them with.
    *rejected* has errors by instance number; those instances have no answer. Only `predict_each` rejects instances.
    """

    model: str
    version: int
    answers: list[dict[str, Any]]
    stage_seconds: dict[str, float]
    heads: Answers
    reference: Reference | None = None
    measures: Measures | None = None
    rejected: Mapping[int, Sequence[Fault]] = field(default_factory=dict)


class Predictor:
    """Answers instances with the contracts of *catalog* and the scores of *server*, within *limits*.

    *on_retry* is called with the model when a request is repeated because its version was removed, *on_stage* with each
    stage that just ended and its seconds. An error's `version` is the one that should have answered.
    """

    def __init__(
        self,
        catalog: Catalog,
        server: ModelRunner,
        limits: ConcurrencyLimits | None = None,
        on_retry: Callable[[str], None] = lambda model: None,
        on_stage: Callable[[str, float], None] | None = None,
        run_queue: RunQueue | None = None,
    ) -> None:
        self._catalog = catalog
        self._server = server
        self._limits = limits or ConcurrencyLimits()
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
        """Answer each of *instances* with the version that is named or labelled, or with the catalog's choice.

        The call to the model server names the version whose contract made the features. If that version was removed
        meanwhile, everything is repeated with the one that replaced it.

        Raise the errors of `serving.errors`.
        """
        self._catalog.state(model)
        clock = _Clock(deadline_seconds, self._on_stage)
        try:
            with self._limits.slot(model, clock.remaining(model)):
                self._run_queue.begin()
                clock.lap("queue")
                return self._follow(model, version, label, clock, lambda live: self._once(live, instances, clock))
        except Overloaded:
            # A refused client may send again at once. It must not take the processor from requests that were accepted.
            self._run_queue.begin()
            raise

    def predict_aside(self, live: LiveModel, instances: Sequence[Any], deadline_seconds: float) -> Prediction:
        """Answer each of *instances* with exactly the version *live*, beside the limits of requests.

        Raise the errors of `serving.errors`.
        """
        clock = _Clock(deadline_seconds, self._on_stage)
        rows = live.contract.decode(instances)
        clock.lap("decode")
        return self._scored(live, rows, clock, {})

    def with_version(
        self,
        model: str,
        deadline_seconds: float,
        make: Callable[[LiveModel], T],
        version: int | None = None,
        label: str | None = None,
    ) -> T:
        """Return what *make* makes of the version that `predict` would take, by several calls of `outputs` perhaps.

        It is called again with another if its version was removed meanwhile. Raise the errors of `serving.errors`.
        """
        self._catalog.state(model)
        self._run_queue.begin()
        return self._follow(model, version, label, _Clock(deadline_seconds, None), make)

    def outputs(self, live: LiveModel, instances: Sequence[Any], deadline_seconds: float) -> Outputs:
        """Return the outputs of exactly the version *live*, once every request that is ready has run.

        Raise the errors of `serving.errors`.
        """
        clock = _Clock(deadline_seconds, None)
        self._run_queue.give_way()
        features = live.contract.record.encode(self._decoded(live, instances, clock))
        with self._run_queue.paused():
            answered, outputs = self._server.predict(live.model, live.version, features, clock.remaining(live.model))
        _check(live, answered, outputs, len(instances))
        return outputs

    def predict_each(self, live: LiveModel, instances: Sequence[Any], deadline_seconds: float) -> Prediction:
        """Answer those of *instances* that fit the contract, with exactly the version *live*, as batch scoring needs.

        Those for which the model computes no finite numbers are rejected too. Raise the errors of `serving.errors`.
        """
        clock = _Clock(deadline_seconds, self._on_stage)
        rows, rejected = live.contract.decode_each(instances)
        clock.lap("decode")
        while rows:
            try:
                return self._scored(live, rows, clock, rejected)
            except NotFinite as error:  # without these rows the others have answers
                left = [number for number in range(len(instances)) if number not in rejected]
                faults = {left[row]: [Fault(left[row], (), *_NOT_FINITE)] for row in error.rows}
                rejected = {**rejected, **faults}
                rows = live.contract.decode([instances[number] for number in left if number not in faults])
        return Prediction(live.model, live.version, [], clock.seconds, live.contract.answers, rejected=rejected)

    def _follow(
        self, model: str, version: int | None, label: str | None, clock: "_Clock", make: Callable[[LiveModel], T]
    ) -> T:
        removed: int | None = None
        for attempt in range(_MAX_ATTEMPTS):
            if label is not None:
                live = self._catalog.labelled(model, label, clock.remaining(model))
            else:
                live = self._catalog.live(model, version, clock.remaining(model), without=removed)
            try:
                return make(live)
            except UnknownVersion:
                # Perhaps from one server only: the next attempt goes to another.
                removed = live.version
                self._on_retry(model)
                self._catch_up(model, attempt, clock)
            except PredictionError as error:
                error.version = live.version
                raise
        raise ModelNotReady(model, "its versions change faster than a request can follow")

    def _once(self, live: LiveModel, instances: Sequence[Any], clock: "_Clock") -> Prediction:
        rows = self._decoded(live, instances, clock)
        clock.lap("decode")
        return self._scored(live, rows, clock, {})

    def _decoded(self, live: LiveModel, instances: Sequence[Any], clock: "_Clock") -> Rows:
        try:
            with deadline.until(clock.deadline):
                return live.contract.decode(instances)
        except deadline.DeadlinePassed:
            raise ModelServerTimeout(live.model, "the deadline passed while a picture was decoded") from None

    def _scored(
        self, live: LiveModel, rows: Rows, clock: "_Clock", rejected: Mapping[int, Sequence[Fault]]
    ) -> Prediction:
        contract = live.contract
        features, inputs = _prepared(contract, rows)
        clock.lap("preprocess")
        answered, outputs = self._server.predict(live.model, live.version, features, clock.remaining(live.model))
        clock.lap("predict")
        _check(live, answered, outputs, len(rows))
        answers = contract.answers.make(outputs)
        measures = Measures.side_by_side([inputs, contract.answers.measured(outputs)]) if inputs else None
        clock.lap("postprocess")
        return Prediction(
            live.model, live.version, answers, clock.seconds, contract.answers, contract.reference, measures, rejected
        )

    def _catch_up(self, model: str, attempt: int, clock: "_Clock") -> None:
        if attempt:
            time.sleep(min(_PAUSE_SECONDS * attempt, _MAX_PAUSE_SECONDS, clock.remaining(model)))
        self._catalog.refresh(model, clock.remaining(model))
        clock.lap("predict")


class _Clock:
    """Adds up the time of each stage, and knows the time left until the deadline."""

    def __init__(self, deadline_seconds: float, on_stage: Callable[[str, float], None] | None) -> None:
        self.seconds = dict.fromkeys(STAGES, 0.0)
        self._on_stage = on_stage
        self._last = time.perf_counter()
        self.deadline = self._last + deadline_seconds

    def lap(self, stage: str) -> None:
        """Add the time since the last lap to *stage*."""
        now = time.perf_counter()
        self.seconds[stage] += now - self._last
        if self._on_stage:
            self._on_stage(stage, now - self._last)
        self._last = now

    def remaining(self, model: str) -> float:
        """Return the seconds left. Raise ModelServerTimeout if there are none."""
        seconds = self.deadline - time.perf_counter()
        if seconds <= 0:
            raise ModelServerTimeout(model, "the deadline has passed")
        return seconds


def _prepared(contract: Contract, rows: Rows) -> tuple[Features, Measures | None]:
    """Make the features, and measure the instances if the contract has a reference to compare them with."""
    if contract.reference:
        return contract.record.measured(rows)
    return contract.record.encode(rows), None


def _check(live: LiveModel, answered: int, outputs: Outputs, count: int) -> None:
    """Raise ModelServerError unless the outputs are what the contract says, by the requested version."""
    if answered != live.version:
        raise ModelServerError(
            live.model, f"expected an answer of version {live.version}, got one of version {answered}"
        )
    if problem := live.contract.answers.misfit(outputs, count):
        raise ModelServerError(live.model, problem)
    if rows := live.contract.answers.not_finite(outputs):
        raise NotFinite(live.model, rows, count)
