"""Micro-batching: requests for one version of a model that wait at the same time share one call to the model server.

A request is sent at once while fewer than *most_calls* calls for its version are out, but first lets those run that are
ready to in this process: they may share the call. What comes meanwhile waits, and is sent together when one of these
calls comes back; so nothing waits for a timer, and batches grow with the load. There is no thread for this: of those
who wait, the one with the latest deadline sends for all, and is the last who would have to give up.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from serving.catalog.model_server import ModelServer
from serving.contract import Features
from serving.contract.arrays import Array
from serving.errors import ModelServerRefused, ModelServerTimeout
from serving.prediction.run_queue import RunQueue, silent_bell
from serving.tfserving.version_status import VersionStatus

STALLED_SECONDS = 0.5
"""A call that has been out for so long may be stuck at a server that hangs, and keeps nobody waiting any more."""

_Answer = tuple[int, dict[str, Array]]
_Kind = tuple[object, ...]


class BatchTrace(Protocol):
    """Lets the traces of requests and of the calls that they share know of each other."""

    def mark(self) -> Any:
        """Give what the present request is remembered by."""
        ...

    def batch(self, marks: Sequence[Any]) -> None:
        """Note the requests that share the call which this thread makes next."""
        ...


class Batcher:
    """Stands before *server* and merges calls of `predict`, to at most *most_rows* rows unless one alone has more.

    Requests with over *most_bytes* of features are sent as they come: it is the model that takes the time then, not the
    call. (MobileNetV2 on two cores answered 0.7 times as many pictures, of 77 kB, when those of eight callers were
    merged.) *on_call* is told the model, and how many requests shared a call and how many rows they had; *on_apart* the
    model, where a request of a shared call has to be sent again alone; *trace* which requests shared a call. Safe to
    share between threads.
    """

    def __init__(
        self,
        server: ModelServer,
        most_rows: int = 64,
        most_calls: int = 1,
        most_bytes: int = 65536,
        on_call: Callable[[str, int, int], None] = lambda model, requests, rows: None,
        on_apart: Callable[[str], None] = lambda model: None,
        trace: BatchTrace | None = None,
        run_queue: RunQueue | None = None,
    ) -> None:
        self._server = server
        self._most_rows = most_rows
        self._most_calls = most_calls
        self._most_bytes = most_bytes
        self._on_call = on_call
        self._on_apart = on_apart
        self._trace = trace
        self._run_queue = run_queue or RunQueue()
        self._lock = threading.Lock()
        self._lanes: dict[_Kind, _Lane] = {}

    def predict(self, model: str, version: int, features: Features, deadline_seconds: float) -> _Answer:
        """Run a version of a model, perhaps together with others; gives the version that answered, and its outputs."""
        mark = self._trace.mark() if self._trace else None
        request = _Request(features, time.monotonic() + deadline_seconds, mark)
        if sum(array.nbytes for array in features.values()) > self._most_bytes:
            return self._ask([request], model, version)
        kind = (model, version, *((name, array.dtype, array.shape[1:]) for name, array in features.items()))
        lane = self._enter(kind, request)
        if not request.call:
            self._wait(lane, request, model)
        if request.call:
            self._make(request.call, lane, model, version)
        if not request.alone:
            return request.result()
        self._on_apart(model)
        return self._ask([request], model, version)

    def contract(self, model: str, version: int, deadline_seconds: float) -> bytes:
        """Pass on."""
        return self._server.contract(model, version, deadline_seconds)

    def versions(self, model: str, deadline_seconds: float) -> tuple[VersionStatus, ...]:
        """Pass on."""
        return self._server.versions(model, deadline_seconds)

    def labelled(self, model: str, label: str, deadline_seconds: float) -> int:
        """Pass on."""
        return self._server.labelled(model, label, deadline_seconds)

    def close(self) -> None:
        """Pass on."""
        self._server.close()

    def _enter(self, kind: _Kind, request: "_Request") -> "_Lane":
        with self._lock:
            lane = self._lanes.get(kind) or self._lanes.setdefault(kind, _Lane(kind))
            lane.waiting.append(request)
            self._hand_on(lane)
            return lane

    def _wait(self, lane: "_Lane", request: "_Request", model: str) -> None:
        """Wait for the answer, or for the turn to make a call; raises ModelServerTimeout."""
        with self._run_queue.asleep(request.woken):
            while not self._run_queue.wait(request.woken, min(request.remaining(), STALLED_SECONDS)):
                with self._lock:
                    if request.woken.acquire(blocking=False) or request.call:  # others rely on its making the call
                        return
                    if request.remaining() <= 0:
                        if request in lane.waiting:
                            lane.waiting.remove(request)
                        raise ModelServerTimeout(model, "the model server did not answer in time")
                    self._hand_on(lane)

    def _make(self, call: "_Call", lane: "_Lane", model: str, version: int) -> None:
        """Make a call, one of whose requests is the caller's, and give each its part of the answer."""
        self._run_queue.give_way()
        with self._lock:
            lane.fill(call, self._most_rows)
        try:
            answer: _Answer | Exception = self._ask(call.requests, model, version)
        except Exception as error:  # everyone has to know, whatever it is
            answer = error
        finally:
            with self._lock:
                lane.calls.discard(call)
                self._hand_on(lane)
                if not lane.calls and self._lanes.get(lane.kind) is lane:
                    del self._lanes[lane.kind]
        _hand_out(call.requests, answer)
        self._run_queue.wake([request.woken for request in call.requests if not request.call])

    def _ask(self, requests: "Sequence[_Request]", model: str, version: int) -> _Answer:
        self._on_call(model, len(requests), sum(request.rows for request in requests))
        if self._trace:
            self._trace.batch([request.mark for request in requests])
        features = requests[0].features if len(requests) == 1 else _merged(requests)
        return self._server.predict(model, version, features, max(request.remaining() for request in requests))

    def _hand_on(self, lane: "_Lane") -> None:
        """Let one of those who wait make the next call, if there may be one. The lock must be held."""
        call = lane.next_call(self._most_rows, self._most_calls)
        if call:
            sender = max(call.requests, key=lambda request: request.deadline)
            sender.call = call
            self._run_queue.wake([sender.woken])


@dataclass(eq=False)
class _Request:
    """One caller's features, and what becomes of them: an answer, or a call to make for all that wait.

    *woken* rings then.
    """

    features: Features
    deadline: float
    mark: object = None
    woken: threading.Lock = field(default_factory=silent_bell)
    call: "_Call | None" = None
    answer: _Answer | Exception | None = None
    alone: bool = False

    @property
    def rows(self) -> int:
        return len(next(iter(self.features.values())))

    def remaining(self) -> float:
        return max(0.0, self.deadline - time.monotonic())

    def result(self) -> _Answer:
        assert self.answer is not None  # noqa: S101 - for mypy: who does not wait any more has an answer
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@dataclass(eq=False)
class _Call:
    requests: list[_Request]
    started: float = field(default_factory=time.monotonic)


@dataclass(eq=False)
class _Lane:
    """Requests that can be merged: the calls that are out, but for stuck ones, and who waits."""

    kind: _Kind
    calls: set[_Call] = field(default_factory=set)
    waiting: deque[_Request] = field(default_factory=deque)

    def next_call(self, most_rows: int, most_calls: int) -> _Call | None:
        """Take those who came first, up to *most_rows* rows, unless *most_calls* are out."""
        if len(self.calls) >= most_calls:
            stuck = time.monotonic() - STALLED_SECONDS
            self.calls = {call for call in self.calls if call.started > stuck}
        if not self.waiting or len(self.calls) >= most_calls:
            return None
        call = _Call([self.waiting.popleft()])
        self.fill(call, most_rows)
        self.calls.add(call)
        return call

    def fill(self, call: _Call, most_rows: int) -> None:
        """Add to a call those who have come first since, up to *most_rows* rows."""
        rows = sum(request.rows for request in call.requests)
        while self.waiting and rows + self.waiting[0].rows <= most_rows:
            call.requests.append(self.waiting.popleft())
            rows += call.requests[-1].rows


def _merged(batch: Sequence[_Request]) -> Features:
    return {name: np.concatenate([request.features[name] for request in batch]) for name in batch[0].features}


def _hand_out(batch: Sequence[_Request], answer: _Answer | Exception) -> None:
    """Give each request its rows of *answer*; where these can't be told, each is to be sent again alone."""
    rows = sum(request.rows for request in batch)
    apart = isinstance(answer, ModelServerRefused) or (
        not isinstance(answer, Exception) and any(array.shape[:1] != (rows,) for array in answer[1].values())
    )
    start = 0
    for request in batch:
        end = start + request.rows
        if len(batch) > 1 and apart:
            request.alone = True
        elif len(batch) > 1 and not isinstance(answer, Exception):
            request.answer = answer[0], {name: array[start:end] for name, array in answer[1].items()}
        else:
            request.answer = answer
        start = end
