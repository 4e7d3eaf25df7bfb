"""How many requests for a model run at the same time in this process, and how many may wait."""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from serving.errors import ModelServerTimeout, Overloaded

_UNLIMITED = 1_000_000


class ConcurrencyLimits:
    """Limits for each model: *max_running* requests run, *max_waiting* more wait, and further ones are refused.

    *on_wait* is called with the model and the change in the number of waiting requests, *on_refusal* with the model.
    """

    def __init__(
        self,
        max_running: int = _UNLIMITED,
        max_waiting: int = _UNLIMITED,
        on_wait: Callable[[str, int], None] = lambda model, change: None,
        on_refusal: Callable[[str], None] = lambda model: None,
    ) -> None:
        self._max_running = max_running
        self._max_waiting = max_waiting
        self._on_wait = on_wait
        self._on_refusal = on_refusal
        self._queues: dict[str, _ModelQueue] = {}

    @contextmanager
    def slot(self, model: str, seconds: float) -> Iterator[None]:
        """Hold one of the model's slots, which are given first come, first served, after at most *seconds*.

        Raise Overloaded if the queue is full, and ModelServerTimeout if no slot came free in time.
        """
        queue = self._queues.get(model) or self._queues.setdefault(model, _ModelQueue())
        waiter = threading.Lock()
        with queue.lock:
            if queue.running < self._max_running:
                queue.running += 1
            elif len(queue.waiters) < self._max_waiting:
                waiter.acquire()
                queue.waiters.append(waiter)
            else:
                self._on_refusal(model)
                raise Overloaded(model, self._max_waiting)
        if waiter.locked():
            self._wait(queue, waiter, model, seconds)
        try:
            yield
        finally:
            queue.pass_on()

    @property
    def are_waited_for(self) -> bool:
        """Whether a request for any model waits for a slot."""
        return any(queue.waiters for queue in list(self._queues.values()))

    def is_full(self, model: str, inside: int) -> bool:
        """Return whether a request for *model* would be refused, if *inside* others ask for a slot or have one."""
        queue = self._queues.get(model)
        if queue is None:
            return False
        room = queue.running < self._max_running or len(queue.waiters) < self._max_waiting
        return not room or inside >= self._max_running + self._max_waiting

    def refusal(self, model: str) -> Overloaded:
        """Count a request for *model* that is refused before it asked for a slot, and return the error."""
        self._on_refusal(model)
        return Overloaded(model, self._max_waiting)

    def _wait(self, queue: "_ModelQueue", waiter: threading.Lock, model: str, seconds: float) -> None:
        self._on_wait(model, 1)
        try:
            if not waiter.acquire(timeout=seconds) and not queue.leave(waiter):
                raise ModelServerTimeout(model, "the deadline passed while the request was waiting in the queue")
        finally:
            self._on_wait(model, -1)


class _ModelQueue:
    """One model's number of running requests, and its waiters: locks that are held until a slot is free.

    A free slot goes to the waiter that came first. A semaphore would give it to any thread, so some would wait long.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.running = 0
        self.waiters: deque[threading.Lock] = deque()

    def pass_on(self) -> None:
        """Pass a slot to the first waiter, or free it."""
        with self.lock:
            if self.waiters:
                self.waiters.popleft().release()
            else:
                self.running -= 1

    def leave(self, waiter: threading.Lock) -> bool:
        """Stop waiting. Return whether the waiter was given a slot just before."""
        with self.lock:
            if waiter in self.waiters:
                self.waiters.remove(waiter)
                return False
            return True
