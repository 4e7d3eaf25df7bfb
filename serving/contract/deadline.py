"""The moment until which instances have to be read, told to what may take long: pictures are decoded piece by piece.

It is kept beside the calls, since encoders, also those of other packages, have no parameter for it.
"""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_deadline: ContextVar[float] = ContextVar("deadline", default=math.inf)


class DeadlinePassed(Exception):
    """There is no time left."""


@contextmanager
def until(moment: float) -> Iterator[None]:
    """Have what is done in the block, by this thread, end at *moment* of `time.perf_counter`."""
    token = _deadline.set(moment)
    try:
        yield
    finally:
        _deadline.reset(token)


def moment() -> float:
    """Return the deadline, by `time.perf_counter`, which all processes share; infinity without one."""
    return _deadline.get()


def remaining() -> float:
    """Return the seconds left, perhaps less than 0; infinity without a deadline."""
    return moment() - time.perf_counter()


def check(needed: float = 0.0) -> None:
    """Raise DeadlinePassed unless more than *needed* seconds are left."""
    if remaining() <= needed:
        raise DeadlinePassed
