"""Which of a process's threads run: as many at a time as it has processors, in the order in which they came.

Python lets one thread run at a time, and leaves open which is the next: whoever waits for the system even for a moment
asks for that right again, and may lose it to others many times in a row. Here a thread keeps its turn until it is done,
or has something to wait for.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

SLICE_SECONDS = 0.02
"""So long a turn may keep others waiting. Who needs longer, to compute or since its client is slow, goes on beside
them: whatever a thread does in its turn, even wait for one that is in the queue, nothing hangs."""


def silent_bell() -> threading.Lock:
    """Make what a thread waits for, to be released when it rings: an Event takes several times as long."""
    bell = threading.Lock()
    bell.acquire()
    return bell


class RunQueue:
    """Lets *most* threads run at a time, of those that are in `one_turn`; to others its methods do nothing."""

    def __init__(self, most: int = 1) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._running: dict[threading.Lock, float] = {}
        self._ready: deque[threading.Lock] = deque()
        self._asleep: set[threading.Lock] = set()
        self._own = _Own()

    @contextmanager
    def one_turn(self) -> Iterator[None]:
        """Give this thread a turn, from when it asks for it by `begin` until here."""
        self._own.takes_part = True
        try:
            yield
        finally:
            self._stop()
            self._own.takes_part = False

    def begin(self) -> None:
        """Wait until all that came before have run, or wait for something."""
        if self._own.takes_part and self._own.bell is None:
            self._run(self._ready.append)

    def give_way(self) -> None:
        """Let all run first that are ready now."""
        if self._ready and self._stop():
            self._run(self._ready.append)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Let others run while this thread waits for something; then it goes on before those that have yet to begin."""
        stopped = self._stop()
        try:
            yield
        finally:
            if stopped:
                self._run(self._ready.appendleft)

    @contextmanager
    def asleep(self, bell: threading.Lock) -> Iterator[None]:
        """Let others run while this thread waits for *bell* by `wait`; `wake` makes it ring when it may go on."""
        own = self._own.bell
        with self._lock:
            slept = own is not None and bell.locked()
            if own and slept:
                self._asleep.add(bell)
                self._running.pop(own, None)
                self._hand_on()
        try:
            yield
        finally:
            if slept:
                with self._lock:
                    self._asleep.discard(bell)
                self._own.bell = bell

    def wake(self, bells: Sequence[threading.Lock]) -> None:
        """Let those go on that wait for *bells*, in this order, and before those that have yet to begin."""
        with self._lock:
            for bell in reversed(bells):
                if bell in self._asleep:
                    self._asleep.remove(bell)
                    self._ready.appendleft(bell)
                else:
                    bell.release()
            self._hand_on()

    def wait(self, bell: threading.Lock, seconds: float) -> bool:
        """Wait for *bell*; tells whether it rang within *seconds*."""
        deadline = time.monotonic() + seconds
        while not bell.acquire(timeout=max(0.0, min(SLICE_SECONDS, deadline - time.monotonic()))):
            if time.monotonic() >= deadline:
                return False
            self._go_on_beside_the_slow()
        return True

    def _run(self, line_up: Callable[[threading.Lock], None]) -> None:
        bell = silent_bell()
        with self._lock:
            line_up(bell)
            self._hand_on()
        self.wait(bell, threading.TIMEOUT_MAX)
        self._own.bell = bell

    def _stop(self) -> bool:
        """End this thread's turn; tells whether it had begun one."""
        bell = self._own.bell
        if bell is None:
            return False
        self._own.bell = None
        with self._lock:
            self._running.pop(bell, None)
            self._hand_on()
        return True

    def _hand_on(self) -> None:
        """Let run who may. The lock must be held."""
        while self._ready and len(self._running) < self._most:
            bell = self._ready.popleft()
            self._running[bell] = time.monotonic()
            bell.release()

    def _go_on_beside_the_slow(self) -> None:
        with self._lock:
            if self._ready:
                late = time.monotonic() - SLICE_SECONDS
                self._running = {bell: begun for bell, begun in self._running.items() if begun > late}
                self._hand_on()


class _Own(threading.local):
    """What a thread knows of itself: *bell* is that of the turn that it has begun."""

    takes_part = False
    bell: "threading.Lock | None" = None
