"""What counters say, and by how much they rose."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

PREFIX = "plumbline_gateway_"
COUNTERS = tuple(
    PREFIX + name
    for name in (
        "requests_total",
        "request_seconds_bucket",
        "predictions_total",
        "feature_instances_total",
        "parity_failures_total",
    )
)
GAUGES = tuple(PREFIX + name for name in ("version_engine", "canary_ratio"))


@dataclass(frozen=True)
class Series:
    """A metric with the values of its labels, among them those of the process that has it."""

    name: str
    labels: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, name: str, labels: Mapping[str, str]) -> "Series":
        """Return the series of a metric."""
        return cls(name, tuple(sorted(labels.items())))

    def label(self, name: str) -> str:
        """Return a label's value, or an empty text."""
        return dict(self.labels).get(name, "")


Reading = Mapping[Series, float]
"""Values of one moment, of one model and all gateways."""


class Increases:
    """Adds up by how much counters rose since the reading *first*.

    A process that starts again counts from 0, and so does one that is new. One that is gone keeps what it had.
    """

    def __init__(self, first: Reading) -> None:
        self._last = {series: value for series, value in first.items() if series.name in COUNTERS}
        self._sums: defaultdict[Series, float] = defaultdict(float)

    def add(self, reading: Reading) -> Mapping[Series, float]:
        """Take the next reading. Return all increases until now."""
        for series, value in reading.items():
            if series.name in COUNTERS:
                last = self._last.get(series, 0.0)
                self._sums[series] += value - last if value >= last else value
                self._last[series] = value
        return self._sums
