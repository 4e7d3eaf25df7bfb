"""Micro-batching: requests for one version of a model that wait at the same time share one call to the model server.

A request is sent at once while fewer than *max_calls* calls for its version are in progress; it first lets the threads
run that are ready in this process, since their requests may share the call. Requests that come meanwhile wait, and are
sent together when one of these calls returns: nothing waits for a timer, and batches grow with the load. No thread is
kept for this. Of the waiting requests, the one with the latest deadline sends for all, since it gives up last.

Large requests don't share calls. If *max_large_calls* limits their calls, they wait in the same way, each for its own.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from serving.catalog.model_server import ModelRunner
from serving.contract import Features
from serving.contract.arrays import Array
from serving.errors import ModelServerRefused, ModelServerTimeout
from serving.prediction.run_queue import RunQueue, new_waiter

STALLED_SECONDS = 0.5
"""A call that takes longer may be stuck at a server that hangs. Others no longer wait for it."""

_NOT_MERGED = 0
"""The maximum of rows in a call that takes one request only."""

_Outputs = tuple[int, dict[str, Array]]
_BatchKey = tuple[object, ...]


class BatchTrace(Protocol):
    """Links the traces of requests with that of the call that they share."""

    def mark(self) -> Any:
        """Return a reference to the current request's trace."""
        ...

    def batch(self, marks: Sequence[Any]) -> None:
        """Record which requests share the next call of this thread."""
        ...


def _bytes(array: Array) -> int:
    """Return the size of *array*; one of texts holds only where they are."""
    return sum(map(len, array.ravel().tolist())) if array.dtype.hasobject else array.nbytes


class Batcher:
    """Merges calls of `predict` to *server*, up to *max_rows* rows; with 1 none. Larger single requests are sent whole.

    Requests with more than *max_bytes* of features are not merged: there the model takes the time, not the call.
    (MobileNetV2 on two cores answered 0.7 times as many images of 77 kB when those of eight callers were merged.)
    At most *max_large_calls* of them for a version are sent at a time, in the order of coming; with None, all are.
    *on_call* is called with the model, the number of requests that share a call, and their rows. *on_apart* is called
    with the model when a request of a shared call has to be sent again alone. *trace* records which requests shared a
    call. Safe to share between threads.
    """

    def __init__(
        self,
        server: ModelRunner,
        max_rows: int = 64,
        max_calls: int = 1,
        max_bytes: int = 65536,
        max_large_calls: int | None = None,
        on_call: Callable[[str, int, int], None] = lambda model, requests, rows: None,
        on_apart: Callable[[str], None] = lambda model: None,
        trace: BatchTrace | None = None,
        run_queue: RunQueue | None = None,
    ) -> None:
        self._server = server
        self._max_rows = max_rows
        self._max_calls = max_calls
        self._max_bytes = max_bytes
        self._max_large_calls = max_large_calls
        self._on_call = on_call
        self._on_apart = on_apart
        self._trace = trace
        self._run_queue = run_queue or RunQueue()
        self._lock = threading.Lock()
        self._queues: dict[_BatchKey, _BatchQueue] = {}

    def predict(self, model: str, version: int, features: Features, deadline_seconds: float) -> _Outputs:
        """Run a version of a model, perhaps together with other requests. Return the version and its outputs."""
        mark = self._trace.mark() if self._trace else None
        request = _Request(features, time.monotonic() + deadline_seconds, mark)
        large = sum(map(_bytes, features.values())) > self._max_bytes
        if large and self._max_large_calls:
            queue = self._enter(_BatchQueue((model, version), _NOT_MERGED, self._max_large_calls), request)
        elif large or self._max_rows == 1:
            return self._call([request], model, version)
        else:
            key = (model, version, *((name, array.dtype, array.shape[1:]) for name, array in features.items()))
            queue = self._enter(_BatchQueue(key, self._max_rows, self._max_calls), request)
        if not request.call:
            self._wait(queue, request, model)
        if request.call:
            self._send(request.call, queue, model, version)
        if not request.alone:
            return request.result()
        self._on_apart(model)
        return self._call([request], model, version)

    @property
    def is_waited_for(self) -> bool:
        """Whether a request waits for a call to return."""
        with self._lock:
            return any(queue.waiting for queue in self._queues.values())

    def _enter(self, new: "_BatchQueue", request: "_Request") -> "_BatchQueue":
        with self._lock:
            queue = self._queues.setdefault(new.key, new)
            queue.waiting.append(request)
            self._start_call(queue)
            return queue

    def _wait(self, queue: "_BatchQueue", request: "_Request", model: str) -> None:
        """Wait for the answer, or until this request has a call to send. Raise ModelServerTimeout."""
        with self._run_queue.asleep(request.waiter):
            while not self._run_queue.wait(request.waiter, min(request.remaining(), STALLED_SECONDS)):
                with self._lock:
                    if request.waiter.acquire(blocking=False) or request.call:  # others rely on its call
                        return
                    if request.remaining() <= 0:
                        if request in queue.waiting:
                            queue.waiting.remove(request)
                        raise ModelServerTimeout(model, "the model server did not answer in time")
                    self._start_call(queue)

    def _send(self, call: "_Call", queue: "_BatchQueue", model: str, version: int) -> None:
        """Send a call for all its requests, and give each its part of the answer."""
        if queue.max_rows != _NOT_MERGED:
            self._run_queue.give_way()
            with self._lock:
                queue.fill(call)
        try:
            answer: _Outputs | Exception = self._call(call.requests, model, version)
        except Exception as error:  # each request has to get it, whatever it is
            answer = error
        finally:
            with self._lock:
                queue.calls.discard(call)
                self._start_call(queue)
                if not queue.calls and self._queues.get(queue.key) is queue:
                    del self._queues[queue.key]
        _hand_out(call.requests, answer)
        self._run_queue.wake([request.waiter for request in call.requests if not request.call])

    def _call(self, requests: "Sequence[_Request]", model: str, version: int) -> _Outputs:
        self._on_call(model, len(requests), sum(request.rows for request in requests))
        if self._trace:
            self._trace.batch([request.mark for request in requests])
        features = requests[0].features if len(requests) == 1 else _merged(requests)
        return self._server.predict(model, version, features, max(request.remaining() for request in requests))

    def _start_call(self, queue: "_BatchQueue") -> None:
        """Make one of the waiting requests send the next call, if there may be one. The lock must be held."""
        call = queue.next_call()
        if call:
            sender = max(call.requests, key=lambda request: request.deadline)
            sender.call = call
            self._run_queue.wake([sender.waiter])


@dataclass(eq=False)
class _Request:
    """One caller's features, and later its answer, or a call to send for several; *waiter* is released for either."""

    features: Features
    deadline: float
    mark: object = None
    waiter: threading.Lock = field(default_factory=new_waiter)
    call: "_Call | None" = None
    answer: _Outputs | Exception | None = None
    alone: bool = False

    @property
    def rows(self) -> int:
        return len(next(iter(self.features.values())))

    def remaining(self) -> float:
        return max(0.0, self.deadline - time.monotonic())

    def result(self) -> _Outputs:
        assert self.answer is not None  # noqa: S101 - for mypy: a request that no longer waits has an answer
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@dataclass(eq=False)
class _Call:
    requests: list[_Request]
    started: float = field(default_factory=time.monotonic)


@dataclass(eq=False)
class _BatchQueue:
    """Requests that can be merged: the calls in progress, except stuck ones, and the waiting requests.

    A call takes up to *max_rows* rows, or one request of any size. At most *max_calls* are in progress.
    """

    key: _BatchKey
    max_rows: int
    max_calls: int
    calls: set[_Call] = field(default_factory=set)
    waiting: deque[_Request] = field(default_factory=deque)

    def next_call(self) -> _Call | None:
        """Take the first requests, unless as many calls as allowed are in progress."""
        if len(self.calls) >= self.max_calls:
            stuck = time.monotonic() - STALLED_SECONDS
            self.calls = {call for call in self.calls if call.started > stuck}
        if not self.waiting or len(self.calls) >= self.max_calls:
            return None
        call = _Call([self.waiting.popleft()])
        self.fill(call)
        self.calls.add(call)
        return call

    def fill(self, call: _Call) -> None:
        """Add the first waiting requests to a call, as far as there is room."""
        rows = sum(request.rows for request in call.requests)
        while self.waiting and rows + self.waiting[0].rows <= self.max_rows:
            call.requests.append(self.waiting.popleft())
            rows += call.requests[-1].rows


def _merged(batch: Sequence[_Request]) -> Features:
    return {name: np.concatenate([request.features[name] for request in batch]) for name in batch[0].features}


def _hand_out(batch: Sequence[_Request], answer: _Outputs | Exception) -> None:
    """Pass each request its rows of *answer*. If they can't be separated, mark each to be sent again alone."""
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
