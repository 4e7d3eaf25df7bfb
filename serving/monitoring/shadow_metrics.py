"""The metrics of shadows, which count nowhere else."""

from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from serving.contract.differences import Difference
from serving.monitoring.children import SECONDS, Children
from serving.prediction.shadowing import OUTCOMES, REASONS, Shares

_DISTANCES = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)
_VERSION = ("model", "version")

SHADOW, FIRST = "shadow", "answered"
"""Whose time it is: the shadow's, or that of the answers that were sent."""


class ShadowMetrics:
    """Hears what becomes of shadows. Those of *shares*, in percent, are exposed from the start."""

    def __init__(self, registry: CollectorRegistry, shares: Shares) -> None:
        def named(name: str) -> str:
            return f"plumbline_gateway_shadow_{name}"

        def counter(name: str, text: str, *labels: str) -> Children[Counter]:
            return Children(Counter(named(name), text, (*_VERSION, *labels), registry=registry))

        def histogram(name: str, text: str, buckets: tuple[float, ...], *labels: str) -> Children[Histogram]:
            return Children(Histogram(named(name), text, (*_VERSION, *labels), buckets=buckets, registry=registry))

        self._ended = counter("requests", "Requests that a shadow answered too, by what came of it.", "outcome")
        self._dropped = counter("dropped", "Requests whose shadow was dropped.", "reason")
        self._instances = counter("instances", "Instances whose answers were compared.")
        self._disagreements = counter("disagreements", "Instances that were answered differently.")
        self._distance = histogram("distance", "How far scores or values are apart.", _DISTANCES)
        self._seconds = histogram("seconds", "The time of compared requests.", SECONDS, "by")
        ratio = Gauge(named("ratio"), "A shadow's share.", _VERSION, multiprocess_mode="livemax", registry=registry)
        for model, versions in shares.items():
            for version, percent in versions.items():
                ratio.labels(model, version).set(percent / 100)
                self._begin(model, version)

    def _begin(self, model: str, version: int) -> None:
        """Make the counters exist, else a rate would miss the first."""
        for outcome in OUTCOMES:
            self._ended[model, version, outcome].inc(0)
        for reason in REASONS:
            self._dropped[model, version, reason].inc(0)
        for counter in (self._instances, self._disagreements):
            counter[model, version].inc(0)

    def dropped(self, model: str, version: int, reason: str) -> None:
        """Count a shadow that was not sent."""
        self._dropped[model, version, reason].inc()

    def ended(self, model: str, version: int, outcome: str) -> None:
        """Count one that was sent."""
        self._ended[model, version, outcome].inc()

    def compared(
        self, model: str, version: int, differences: Sequence[Difference], seconds: float, first_seconds: float
    ) -> None:
        """Count the instances of a request, how they differ, and what time each of the versions took."""
        self._instances[model, version].inc(len(differences))
        self._disagreements[model, version].inc(sum(each.differ for each in differences))
        for each in differences:
            self._distance[model, version].observe(each.distance)
        self._seconds[model, version, SHADOW].observe(seconds)
        self._seconds[model, version, FIRST].observe(first_seconds)
