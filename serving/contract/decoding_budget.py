"""How many bytes of decoded pictures a process holds at a time."""

import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from serving.contract import deadline
from serving.contract.large_pictures import LargePictures, NoDecoder
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
        self._turn = threading.Lock()
        self._large = LargePictures()

    @contextmanager
    def held(self, count: int) -> Iterator[None]:
        """Hold *count* bytes; raises TooManyPictures unless they are free within a second and the deadline."""
        count = min(count, self._most)
        with self._freed:
            if math.isinf(deadline.remaining()):
                count = 0
            elif not self._freed.wait_for(lambda: self._held + count <= self._most, _seconds()):
                raise TooManyPictures(self._most)
            self._held += count
        try:
            yield
        finally:
            with self._freed:
                self._held -= count
                self._freed.notify_all()

    @contextmanager
    def apart(self, count: int) -> Iterator[LargePictures]:
        """Hold *count* bytes, and the process for large pictures, of which it decodes one at a time.

        Raises TooManyPictures if either isn't free within a second, or no process can be started.
        """
        if not self._turn.acquire(timeout=_seconds()):
            raise TooManyPictures(self._most)
        try:
            with self.held(count):
                yield self._large
        except NoDecoder as error:
            raise TooManyPictures(self._most) from error
        finally:
            self._turn.release()


def _seconds() -> float:
    return max(0.0, min(_WAIT_SECONDS, deadline.remaining()))
