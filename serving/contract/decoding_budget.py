"""How many bytes of decoded pictures a process holds at a time."""

import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

from serving.contract import deadline
from serving.contract.deadline import DeadlinePassed
from serving.errors import TooManyPictures
from serving.process.background import BackgroundProcess

_Args = ParamSpec("_Args")
_Result = TypeVar("_Result")

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
        self._apart = threading.Lock()
        self._process = BackgroundProcess()

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

    def apart(
        self, count: int, function: Callable[_Args, _Result], *args: _Args.args, **kwargs: _Args.kwargs
    ) -> _Result:
        """Call *function*, which takes *count* bytes, in a process of lower priority, one picture at a time.

        The deadline has to be told to it. Raises TooManyPictures if it isn't its turn within a second or no process can
        be started; DeadlinePassed; and Ended if the process did so.
        """
        if not self._apart.acquire(timeout=_seconds()):
            raise TooManyPictures(self._most)
        try:
            with self.held(count):
                return self._process.call(deadline.remaining(), function, *args, **kwargs)
        except TimeoutError:
            raise DeadlinePassed from None
        except OSError as error:
            raise TooManyPictures(self._most) from error
        finally:
            self._apart.release()


def _seconds() -> float:
    return max(0.0, min(_WAIT_SECONDS, deadline.remaining()))
