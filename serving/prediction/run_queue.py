"""Which of a process's threads run: as many at a time as it has processors, in the order in which they came.

Python lets one thread run at a time and doesn't say which is next: a thread that waits for the system even for a moment
gives up its right to run, and may lose it to others many times in a row. Here a thread keeps its turn until it is done
or has to wait for something.

A waiter is a lock that its thread waits on, released when the thread may continue.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

SLICE_SECONDS = 0.02
"""The time slice: how long a turn may keep other threads waiting. After that, the next thread starts and the slow one
continues alongside. So nothing hangs, even if a thread spends its turn waiting for one that is in the queue."""


def new_waiter() -> threading.Lock:
    """Return a waiter. It is a lock because an Event takes several times as long."""
    waiter = threading.Lock()
    waiter.acquire()
    return waiter


class RunQueue:
    """Lets *max_running* threads run at a time, of those inside `one_turn`. Its methods do nothing for others."""

    def __init__(self, max_running: int = 1) -> None:
        self._max_running = max_running
        self._lock = threading.Lock()
        self._running: dict[threading.Lock, float] = {}
        self._ready: deque[threading.Lock] = deque()
        self._asleep: set[threading.Lock] = set()
        self._own = _Own()
        self._begun = 0

    @property
    def waiting(self) -> int:
        """The number of threads that are waiting for their turn."""
        return len(self._ready)

    @property
    def begun(self) -> int:
        """The number of turns that began."""
        return self._begun

    @property
    def is_full(self) -> bool:
        """Whether a thread that came now would have to wait."""
        return bool(self._ready) or len(self._running) >= self._max_running

    @contextmanager
    def one_turn(self) -> Iterator[None]:
        """Hold one turn, which starts when it calls `begin` and ends here."""
        self._own.takes_part = True
        try:
            yield
        finally:
            self._stop()
            self._own.takes_part = False

    def begin(self, first: bool = False) -> None:
        """Wait until every thread that came before has run or is waiting for something. The *first* waits for no other.

        It still waits for those that run.
        """
        if self._own.takes_part and self._own.waiter is None:
            self._begun += 1  # it need not be exact, only move on
            self._run(self._ready.appendleft if first else self._ready.append)

    def give_way(self) -> None:
        """Let every thread that is ready now run first."""
        if self._ready and self._stop():
            self._run(self._ready.append)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Let others run while this thread waits for something. It resumes before threads that have yet to begin."""
        stopped = self._stop()
        try:
            yield
        finally:
            if stopped:
                self._run(self._ready.appendleft)

    @contextmanager
    def asleep(self, waiter: threading.Lock) -> Iterator[None]:
        """Let others run while this thread waits for *waiter* with `wait`. Another thread releases it with `wake`."""
        own = self._own.waiter
        with self._lock:
            slept = own is not None and waiter.locked()
            if own and slept:
                self._asleep.add(waiter)
                self._running.pop(own, None)
                self._start_ready()
        try:
            yield
        finally:
            if slept:
                with self._lock:
                    self._asleep.discard(waiter)
                self._own.waiter = waiter

    def wake(self, waiters: Sequence[threading.Lock]) -> None:
        """Resume the threads that wait for *waiters*, in this order and before threads that have yet to begin."""
        with self._lock:
            for waiter in reversed(waiters):
                if waiter in self._asleep:
                    self._asleep.remove(waiter)
                    self._ready.appendleft(waiter)
                else:
                    waiter.release()
            self._start_ready()

    def wait(self, waiter: threading.Lock, seconds: float) -> bool:
        """Wait for *waiter*. Return whether it was released within *seconds*."""
        deadline = time.monotonic() + seconds
        while not waiter.acquire(timeout=max(0.0, min(SLICE_SECONDS, deadline - time.monotonic()))):
            if time.monotonic() >= deadline:
                return False
            self._overtake_slow()
        return True

    def _run(self, line_up: Callable[[threading.Lock], None]) -> None:
        waiter = new_waiter()
        with self._lock:
            line_up(waiter)
            self._start_ready()
        self.wait(waiter, threading.TIMEOUT_MAX)
        self._own.waiter = waiter

    def _stop(self) -> bool:
        """End this thread's turn. Return whether it had one."""
        waiter = self._own.waiter
        if waiter is None:
            return False
        self._own.waiter = None
        with self._lock:
            self._running.pop(waiter, None)
            self._start_ready()
        return True

    def _start_ready(self) -> None:
        """Start threads that are ready, as far as the maximum allows. The lock must be held."""
        while self._ready and len(self._running) < self._max_running:
            waiter = self._ready.popleft()
            self._running[waiter] = time.monotonic()
            waiter.release()

    def _overtake_slow(self) -> None:
        """Start threads in place of those whose time slice is over."""
        with self._lock:
            if self._ready:
                late = time.monotonic() - SLICE_SECONDS
                self._running = {waiter: begun for waiter, begun in self._running.items() if begun > late}
                self._start_ready()


class _Own(threading.local):
    """One thread's own state: whether it is inside `one_turn`, and the *waiter* of its turn once that has begun."""

    takes_part = False
    waiter: "threading.Lock | None" = None
