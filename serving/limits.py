"""How many requests for a model are worked on at the same time in this process, and how many may wait."""

import threading
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
        """Wait for a turn, at most for *seconds*, and hold it; raises Overloaded or ModelServerTimeout."""
        door = self._doors.get(model) or self._doors.setdefault(model, _Door(self._most))
        with door.lock:
            if door.inside >= self._most + self._waiting:
                self._on_refusal(model)
                raise Overloaded(model, self._waiting)
            door.inside += 1
        try:
            if not self._take(door, model, seconds):
                raise ModelServerTimeout(model, "the deadline has passed while the request was waiting for its turn")
            try:
                yield
            finally:
                door.turns.release()
        finally:
            with door.lock:
                door.inside -= 1

    def _take(self, door: "_Door", model: str, seconds: float) -> bool:
        if door.turns.acquire(blocking=False):
            return True
        self._on_wait(model, 1)
        try:
            return door.turns.acquire(timeout=seconds)
        finally:
            self._on_wait(model, -1)


class _Door:
    """Of one model: how many are inside, waiting or at work, and the turns that are left."""

    def __init__(self, most: int) -> None:
        self.lock = threading.Lock()
        self.inside = 0
        self.turns = threading.BoundedSemaphore(most)
