"""The shadows that wait in a process: few, and of little size, since each keeps a request's instances in memory."""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from serving.prediction.predictor import Prediction

MAX_WAITING = 64
MAX_WAITING_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True)
class Shadow:
    """A request that was *answered*, as *version* is to answer it too, at the latest *until*, in monotonic seconds.

    *size* is that of the request's body, in bytes. *keep* is given the shadow's answers, if they are to be kept.
    """

    answered: Prediction
    version: int
    instances: Sequence[Any]
    size: int
    until: float
    keep: Callable[[Prediction], None] | None = None

    @property
    def name(self) -> tuple[str, int]:
        """The model and the version."""
        return self.answered.model, self.version


class ShadowQueue:
    """First come, first served. Safe to share between threads."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: deque[Shadow] = deque()
        self._bytes = 0
        self._closed = False

    def put(self, shadow: Shadow) -> bool:
        """Add *shadow* if there is room. Return whether there was."""
        with self._changed:
            if len(self._waiting) >= MAX_WAITING or self._bytes + shadow.size > MAX_WAITING_BYTES:
                return False
            self._waiting.append(shadow)
            self._bytes += shadow.size
            self._changed.notify()
            return True

    def take(self) -> Shadow | None:
        """Wait for the first one, and remove it. Return None once the queue is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            if self._closed:
                return None
            shadow = self._waiting.popleft()
            self._bytes -= shadow.size
            return shadow

    def close(self) -> None:
        """Forget what waits."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
