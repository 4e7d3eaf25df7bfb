"""How many requests for a model are worked on at the same time in this process, and how many may wait."""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from serving.errors import ModelServerTimeout, Overloaded

_NONE = 1_000_000


class Limits:
    """Lets *most* requests for each model go on, and *waiting* more wait; what comes beyond is refused.

    *on_wait* is told the model and by how many more wait now, *on_refusal* the model.
    """

    def __init__(
        self,
        most: int = _NONE,
        waiting: int = _NONE,
        on_wait: Callable[[str, int], None] = lambda model, change: None,
        on_refusal: Callable[[str], None] = lambda model: None,
    ) -> None:
        self._most = most
        self._waiting = waiting
        self._on_wait = on_wait
        self._on_refusal = on_refusal
        self._doors: dict[str, _Door] = {}

    @contextmanager
    def turn(self, model: str, seconds: float) -> Iterator[None]:
        """Wait for a turn, first come first served, at most for *seconds*; raises Overloaded or ModelServerTimeout."""
        door = self._doors.get(model) or self._doors.setdefault(model, _Door())
        turn = threading.Lock()
        with door.lock:
            if door.working < self._most:
                door.working += 1
            elif len(door.waiting) < self._waiting:
                turn.acquire()
                door.waiting.append(turn)
            else:
                self._on_refusal(model)
                raise Overloaded(model, self._waiting)
        if turn.locked():
            self._wait(door, turn, model, seconds)
        try:
            yield
        finally:
            door.hand_on()

    def _wait(self, door: "_Door", turn: threading.Lock, model: str, seconds: float) -> None:
        self._on_wait(model, 1)
        try:
            if not turn.acquire(timeout=seconds) and not door.leave(turn):
                raise ModelServerTimeout(model, "the deadline has passed while the request was waiting for its turn")
        finally:
            self._on_wait(model, -1)


class _Door:
    """Of one model: how many are at work, and the locks of those that wait, held until it is their turn.

    A turn goes to who has waited longest, not as by a semaphore to who happens to ask next: some would wait for long.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.working = 0
        self.waiting: deque[threading.Lock] = deque()

    def hand_on(self) -> None:
        """Give a turn that has ended to the next."""
        with self.lock:
            if self.waiting:
                self.waiting.popleft().release()
            else:
                self.working -= 1

    def leave(self, turn: threading.Lock) -> bool:
        """Give up waiting; tells whether the turn has come just then."""
        with self.lock:
            if turn in self.waiting:
                self.waiting.remove(turn)
                return False
            return True
