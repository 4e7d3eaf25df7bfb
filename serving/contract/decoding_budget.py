"""How many bytes of decoded pictures a process holds at a time."""

import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from serving.contract import deadline
from serving.errors import TooManyPictures

_WAIT_SECONDS = 1.0


class DecodingBudget:
    """Lets pictures of at most *most_bytes* in all be decoded at a time; one that needs more is decoded alone.

    What has no deadline is no request. It never waits, since a version is admitted however busy its gateway is, and
    keeps none waiting.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._held = 0
        self._freed = threading.Condition()

    @contextmanager
    def held(self, count: int) -> Iterator[None]:
        """Hold *count* bytes; raises TooManyPictures unless they are free within a second and the deadline."""
        count = min(count, self._most)
        with self._freed:
            seconds = deadline.remaining()
            if math.isinf(seconds):
                count = 0
            elif not self._freed.wait_for(
                lambda: self._held + count <= self._most, max(0.0, min(_WAIT_SECONDS, seconds))
            ):
                raise TooManyPictures(self._most)
            self._held += count
        try:
            yield
        finally:
            with self._freed:
                self._held -= count
                self._freed.notify_all()
