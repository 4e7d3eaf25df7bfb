"""What was taken and is not written yet, bounded: whatever finds no place is dropped at once."""

import threading
from collections import deque

from serving.captures.taken import Taken

MOST_REQUESTS = 20_000
MOST_BYTES = 16 * 1024 * 1024
"""Of bodies; the objects that were made of one take up to ten times as much memory."""


class Waiting:
    """A queue that never blocks who puts something in. *wake* is set once it is half full."""

    def __init__(self, wake: threading.Event, most_requests: int = MOST_REQUESTS, most_bytes: int = MOST_BYTES) -> None:
        self._wake = wake
        self._most_requests = most_requests
        self._most_bytes = most_bytes
        self._queue: deque[Taken] = deque()
        self._bytes = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._queue)

    def put(self, taken: Taken) -> bool:
        """Return whether there was a place for *taken*."""
        with self._lock:
            is_full = len(self._queue) >= self._most_requests or self._bytes + taken.size > self._most_bytes
            if is_full and self._queue:  # one alone may be larger than all should be
                return False
            self._queue.append(taken)
            self._bytes += taken.size
            is_half_full = self._bytes * 2 > self._most_bytes or len(self._queue) * 2 > self._most_requests
        if is_half_full:
            self._wake.set()
        return True

    def take(self, most: int) -> list[Taken]:
        """Take out what waits longest, at most *most*."""
        with self._lock:
            taken = [self._queue.popleft() for _ in range(min(most, len(self._queue)))]
            self._bytes -= sum(each.size for each in taken)
        return taken
