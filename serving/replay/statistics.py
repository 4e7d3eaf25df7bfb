"""Weighted sums with intervals, and quantiles of a sample.

A capture that was taken with the share s stands for 1 / s instances: estimates weigh it so.
"""

import math
from random import Random
from typing import Any

import numpy as np

from serving.statistics.intervals import Sums, share_interval, student

SAMPLE = 100_000
"""Of more numbers than this, quantiles are those of a sample."""
MIN_PAIRS = 20
"""With fewer, no interval of a mean is given."""


class Tally:
    """Numbers, each of a weight: their weighted mean, or share, with an interval."""

    def __init__(self) -> None:
        self.count = 0
        self.total = 0.0
        self._w = self._ww = self._wv = self._wwv = self._wwvv = 0.0

    def add(self, value: float, weight: float) -> None:
        """Take a number."""
        self.count += 1
        self.total += value
        self._w += weight
        self._ww += weight * weight
        self._wv += weight * value
        self._wwv += weight * weight * value
        self._wwvv += weight * weight * value * value

    @property
    def mean(self) -> float:
        """The weighted mean; 0 of none."""
        return self._wv / self._w if self._w else 0.0

    def of_share(self) -> tuple[float, float]:
        """Return Wilson's 95 % interval, if each number is 1 or 0."""
        return share_interval(Sums(self.count, self._w, self._wv, self._wwvv, self._wwv, self._ww))

    def of_mean(self) -> tuple[float, float] | None:
        """Return Student's 95 % interval; None of too few."""
        if self.count < MIN_PAIRS:
            return None
        squares = max(0.0, self._wwvv - 2 * self.mean * self._wwv + self.mean**2 * self._ww)
        half = student(self.count - 1) * math.sqrt(self.count / (self.count - 1) * squares) / self._w
        return self.mean - half, self.mean + half


class Sample:
    """Numbers with weights, of which at most SAMPLE are kept, each of them as likely."""

    def __init__(self) -> None:
        self._kept: list[tuple[float, float]] = []
        self._seen = 0
        self._random = Random(0)  # noqa: S311 - nothing secret; the same captures give the same report

    def add(self, value: float, weight: float) -> None:
        """Take a number."""
        self._seen += 1
        if len(self._kept) < SAMPLE:
            self._kept.append((value, weight))
        elif (place := self._random.randrange(self._seen)) < SAMPLE:
            self._kept[place] = value, weight

    def quantiles(self, *shares: float) -> list[float]:
        """Return the weighted quantiles; NaN of none."""
        if not self._kept:
            return [math.nan] * len(shares)
        kept: Any = np.array(sorted(self._kept))
        reached = np.cumsum(kept[:, 1]) / kept[:, 1].sum()
        places = np.searchsorted(reached, np.array(shares) - 1e-12)
        return [float(value) for value in kept[np.minimum(places, len(kept) - 1), 0]]
