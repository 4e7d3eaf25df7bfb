"""What was taken and is not written yet, bounded: whatever finds no place is dropped at once."""

import threading
from collections import deque
from typing import NamedTuple

MOST_REQUESTS = 20_000
MOST_BYTES = 16 * 1024 * 1024


class Lines(NamedTuple):
    """The lines of a request for *model* at *time* in Unix seconds: *number* of them, in *data*."""

    model: str
    time: float
    data: bytes
    number: int


class Waiting:
    """A queue that never blocks who puts something in. *wake* is set once it is half full."""

    def __init__(self, wake: threading.Event, most_requests: int = MOST_REQUESTS, most_bytes: int = MOST_BYTES) -> None:
        self._wake = wake
        self._most_requests = most_requests
        self._most_bytes = most_bytes
        self._queue: deque[Lines] = deque()
        self._bytes = 0
        self._lock = threading.Lock()

    def put(self, lines: Lines) -> bool:
        """Return whether there was a place for *lines*."""
        with self._lock:
            is_full = len(self._queue) >= self._most_requests or self._bytes + len(lines.data) > self._most_bytes
            if is_full and self._queue:  # one alone may be larger than all should be
                return False
            self._queue.append(lines)
            self._bytes += len(lines.data)
            is_half_full = self._bytes * 2 > self._most_bytes or len(self._queue) * 2 > self._most_requests
        if is_half_full:
            self._wake.set()
        return True

    def take_all(self) -> list[Lines]:
        """Take out all that waits, in its order."""
        with self._lock:
            taken = list(self._queue)
            self._queue.clear()
            self._bytes = 0
        return taken
