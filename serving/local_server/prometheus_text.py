"""Counters and histograms in Prometheus' text format.

Written here since prometheus_client writes neither names that begin with a colon nor counters without `_total`.
"""

import threading
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import accumulate

Labels = tuple[str, ...]


class Counter:
    """Counts by the values of its labels; safe to share between threads."""

    def __init__(self, name: str, *labels: str) -> None:
        self._name = name
        self._labels = labels
        self._lock = threading.Lock()
        self._counts: dict[Labels, int] = {}

    def add(self, *labels: str) -> None:
        """Count one more."""
        with self._lock:
            self._counts[labels] = self._counts.get(labels, 0) + 1

    def lines(self) -> Iterator[str]:
        """Yield the lines of the counts, if there are any."""
        with self._lock:
            counts = sorted(self._counts.items())
        if counts:
            yield f"# TYPE {self._name} counter"
        for labels, count in counts:
            yield f"{self._name}{_braces(_pairs(self._labels, labels))} {count}"


class Histogram:
    """Counts values by the upper bounds of their buckets; safe to share between threads."""

    def __init__(self, name: str, bounds: Sequence[float], *labels: str) -> None:
        self._name = name
        self._bounds = bounds
        self._labels = labels
        self._lock = threading.Lock()
        self._counts: dict[Labels, list[int]] = {}
        self._sums: dict[Labels, float] = {}

    def observe(self, value: float, *labels: str) -> None:
        """Note one value."""
        with self._lock:
            counts = self._counts.setdefault(labels, [0] * (len(self._bounds) + 1))
            counts[bisect_left(self._bounds, value)] += 1
            self._sums[labels] = self._sums.get(labels, 0.0) + value

    def lines(self) -> Iterator[str]:
        """Yield the lines of the values, if there are any."""
        with self._lock:
            found = sorted(
                (labels, list(accumulate(counts)), self._sums[labels]) for labels, counts in self._counts.items()
            )
        if found:
            yield f"# TYPE {self._name} histogram"
        for labels, totals, total in found:
            pairs = _pairs(self._labels, labels)
            for bound, count in zip([f"{bound:g}" for bound in self._bounds] + ["+Inf"], totals, strict=True):
                yield f"{self._name}_bucket{_braces([*pairs, _pair('le', bound)])} {count}"
            yield f"{self._name}_sum{_braces(pairs)} {total:g}"
            yield f"{self._name}_count{_braces(pairs)} {totals[-1]}"


def _pairs(names: Sequence[str], values: Labels) -> list[str]:
    return [_pair(name, value) for name, value in zip(names, values, strict=True)]


def _pair(name: str, value: str) -> str:
    escaped = value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
    return f'{name}="{escaped}"'


def _braces(pairs: Sequence[str]) -> str:
    return f"{{{','.join(pairs)}}}" if pairs else ""
