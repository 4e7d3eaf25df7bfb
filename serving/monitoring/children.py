"""What the gateway's metrics have in common."""

from typing import Generic, TypeVar

from prometheus_client.metrics import MetricWrapperBase

SECONDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
"""The buckets of times."""
INSTANCES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
"""The buckets of numbers of instances."""

_Kind = TypeVar("_Kind", bound=MetricWrapperBase)


class Children(dict[tuple[object, ...], _Kind], Generic[_Kind]):
    """A metric's children by the values of their labels: a lookup in the metric takes longer than counting."""

    def __init__(self, metric: _Kind) -> None:
        super().__init__()
        self._metric: _Kind = metric

    def __missing__(self, labels: tuple[object, ...]) -> _Kind:
        child = self[labels] = self._metric.labels(*labels)
        return child
