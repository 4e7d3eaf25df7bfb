"""Shadows: a share of the requests is answered a second time, by a version that is being tried, and compared.

That is done after the answer is written, by one thread of each process, one request at a time. A shadow begins only
while no request needs the processor, and is dropped rather than kept: it costs no request its place or its answer.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from random import random
from typing import Any, Protocol

from serving.catalog import Catalog, LiveModel, ModelRunner
from serving.contract.differences import Difference, difference
from serving.errors import InvalidInstance, PredictionError, UnknownModel
from serving.prediction.predictor import Prediction, Predictor
from serving.prediction.shadow_queue import Shadow, ShadowQueue

_log = logging.getLogger(__name__)

_LOOK_SECONDS = 0.002
"""How often a shadow that waits looks whether the process is still busy."""

OUTCOMES = (COMPARED, REJECTED, FAILED) = ("compared", "rejected", "failed")
"""What became of a shadow: it was compared, the version's contract refused an instance, or it got no answer."""
REASONS = (QUEUE_FULL, BUSY, LATE, NOT_LIVE) = ("queue_full", "busy", "late", "not_live")
"""Why one was dropped: too many waited, requests needed the process, its time was over, its version is not live."""

Shares = Mapping[str, Mapping[int, float]]
"""By model and version: the percentage of the requests."""


class Observer(Protocol):
    """Hears what becomes of shadows."""

    def dropped(self, model: str, version: int, reason: str) -> None:
        """Hear of one that was not sent, and why: one of REASONS."""
        ...

    def ended(self, model: str, version: int, outcome: str) -> None:
        """Hear of one that was sent: one of OUTCOMES."""
        ...

    def compared(
        self, model: str, version: int, differences: Sequence[Difference], seconds: float, first_seconds: float
    ) -> None:
        """Hear how the answers differ, and what time it took to compute the shadow's, and those that were sent."""
        ...


class Shadows:
    """Has *shares* of the requests answered by *runner* too, which must take nothing from requests.

    A shadow lasts *seconds* at most. While *is_busy*, none begins. Without shares there is no thread.
    """

    def __init__(
        self,
        shares: Shares,
        catalog: Catalog,
        runner: ModelRunner,
        observer: Observer,
        seconds: float,
        is_busy: Callable[[], bool] = lambda: False,
    ) -> None:
        self._shares = shares
        self._catalog = catalog
        self._predictor = Predictor(catalog, runner)
        self._observer = observer
        self._seconds = seconds
        self._is_busy = is_busy
        self._queue = ShadowQueue()
        self._closing = threading.Event()
        self._told: set[tuple[str, int, str]] = set()
        if shares:
            threading.Thread(target=self._work, name="shadows", daemon=True).start()

    def drawn(self, answered: Prediction) -> int | None:
        """Return the version that is to answer the same request too, if the lot falls on one."""
        shares = self._shares.get(answered.model)
        if not shares or answered.version in shares:
            return None
        lot = random() * 100  # noqa: S311 - nothing secret
        for version, percent in shares.items():
            lot -= percent
            if lot < 0:
                return version
        return None

    def offer(
        self,
        answered: Prediction,
        version: int,
        instances: Sequence[Any],
        size: int,
        keep: Callable[[Prediction], None] | None = None,
    ) -> None:
        """Have *version* answer a request too, whose body has *size* bytes, if there is room. *keep* gets its answers.

        It neither waits nor raises: the answer is written, and its connection is to be kept.
        """
        shadow = Shadow(answered, version, instances, size, time.monotonic() + self._seconds, keep)
        try:
            if not self._live(shadow):
                self._observer.dropped(*shadow.name, NOT_LIVE)
            elif not self._queue.put(shadow):
                self._observer.dropped(*shadow.name, QUEUE_FULL)
        except Exception:
            _log.exception("%s: a shadow of version %d can't be queued", *shadow.name)

    def close(self) -> None:
        """End the thread after the shadow that it has, which is not waited for: it may hang."""
        self._closing.set()
        self._queue.close()

    def _work(self) -> None:
        while shadow := self._queue.take():
            try:
                if reason := self._obstacle(shadow):
                    self._observer.dropped(*shadow.name, reason)
                else:
                    self._observer.ended(*shadow.name, self._answer(shadow))
            except Exception:  # a bug must not end the thread
                _log.exception("%s: a shadow of version %d failed", *shadow.name)
                self._observer.ended(*shadow.name, FAILED)

    def _obstacle(self, shadow: Shadow) -> str:
        """Wait until the process has time. Return why to drop *shadow*; empty if not to."""
        if time.monotonic() >= shadow.until:
            return LATE
        while self._is_busy():
            if time.monotonic() >= shadow.until or self._closing.wait(_LOOK_SECONDS):
                return BUSY
        return "" if self._live(shadow) else NOT_LIVE

    def _answer(self, shadow: Shadow) -> str:
        """Answer and compare. Return the outcome."""
        live, answered = self._live(shadow), shadow.answered
        if live is None:  # it ended just now
            return FAILED
        try:
            prediction = self._predictor.predict_aside(live, shadow.instances, shadow.until - time.monotonic())
        except InvalidInstance:
            return REJECTED
        except PredictionError as error:
            self._tell(shadow, error)
            return FAILED
        pairs = zip(prediction.answers, answered.answers, strict=True)
        found = [difference(live.contract, answer, first) for answer, first in pairs]
        self._observer.compared(*shadow.name, found, _seconds(prediction), _seconds(answered))
        if shadow.keep:
            shadow.keep(prediction)
        return COMPARED

    def _live(self, shadow: Shadow) -> LiveModel | None:
        try:
            return self._catalog.state(shadow.answered.model).live.get(shadow.version)
        except UnknownModel:
            return None

    def _tell(self, shadow: Shadow, error: PredictionError) -> None:
        """Log each kind of error of a version once: the others are counted."""
        kind = (*shadow.name, error.code)
        if kind not in self._told and not self._closing.is_set():
            self._told.add(kind)
            _log.warning("%s: a shadow of version %d failed; more such are only counted: %s", *shadow.name, error)


def _seconds(prediction: Prediction) -> float:
    """Return what the answers took, without the wait before it."""
    return sum(seconds for stage, seconds in prediction.stage_seconds.items() if stage != "queue")
