"""Work that many threads would do at once, done one after the other."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Turns:
    """One thread has its turn at a time. Who takes longer than *seconds* no longer keeps others waiting.

    A lock would keep them waiting for ever if what is done never ends.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._changed = threading.Condition()
        self._holder: object | None = None
        self._since = 0.0

    @contextmanager
    def one(self, wait_seconds: float = threading.TIMEOUT_MAX) -> Iterator[None]:
        """Wait for a turn, for at most *wait_seconds*, and have it until the end of the block."""
        mine = object()
        until = time.monotonic() + wait_seconds
        with self._changed:
            while self._holder and (left := min(self._since + self._seconds, until) - time.monotonic()) > 0:
                self._changed.wait(left)
            self._holder, self._since = mine, time.monotonic()
        try:
            yield
        finally:
            with self._changed:
                if self._holder is mine:
                    self._holder = None
                    self._changed.notify()
