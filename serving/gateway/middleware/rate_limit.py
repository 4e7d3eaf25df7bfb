"""Limits the rate of requests for each owner of an API key, with the library `limits`."""

import math
import time
from typing import TYPE_CHECKING

from serving.errors import RateLimited

if TYPE_CHECKING:
    from limits import RateLimitItem


def parse_rate(text: str) -> "list[RateLimitItem]":
    """Read rates such as `100/second` or `10/second;1000/hour`. Raise ValueError."""
    from limits import parse_many  # here, since the import takes a sixth of a second and few need it

    try:
        return parse_many(text)
    except ValueError as error:
        raise ValueError("expected a rate such as 100/second or 10/second;1000/hour") from error


class RateLimiter:
    """Counts in this process only: with several workers and replicas, *rate* applies to each of them."""

    def __init__(self, rate: str) -> None:
        from limits.storage import MemoryStorage
        from limits.strategies import MovingWindowRateLimiter

        self._rates = parse_rate(rate)
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def take(self, owner: str) -> None:
        """Count a request of *owner*. Raise RateLimited if it exceeds the rate."""
        for rate in self._rates:
            if not self._limiter.hit(rate, owner):
                wait = self._limiter.get_window_stats(rate, owner).reset_time - time.time()
                raise RateLimited(owner, str(rate), max(1, math.ceil(wait)))
