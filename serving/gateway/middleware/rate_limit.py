"""Limits the rate of requests for each owner of an API key, in all workers together.

A rate is a bucket with *burst* tokens, which gets one back after each interval. All there is to know of a bucket is
when it will be full (the generic cell rate algorithm, ITU-T I.371).
"""

import math
import time
from collections.abc import Sequence

from serving.errors import RateLimited
from serving.gateway.middleware.rates import Rate
from serving.gateway.middleware.shared_times import SharedTimes

_ROUNDING_SECONDS = 1e-6


class RateLimiter:
    """Keeps in *full_at* when each bucket will be full. Each gateway of several counts for itself."""

    def __init__(self, full_at: SharedTimes) -> None:
        self._full_at = full_at

    def take(self, owner: str, rates: Sequence[Rate]) -> None:
        """Take a token of each of the buckets of *owner*. Raise RateLimited, and take none, if one is empty."""
        with self._full_at.locked():
            now = time.monotonic()
            found = [(rate, f"{owner} {rate.text}") for rate in rates]
            after = [(rate, name, self._full_at.get(name, now) + rate.interval) for rate, name in found]
            wait, refused = max((full_at - now - rate.interval * rate.burst, rate.text) for rate, _, full_at in after)
            if wait <= _ROUNDING_SECONDS:
                for _, name, full_at in after:
                    self._full_at.set(name, full_at, now)
                return
        raise RateLimited(owner, refused, max(1, math.ceil(wait)))
