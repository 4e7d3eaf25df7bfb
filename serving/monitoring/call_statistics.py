"""What each version of a model answered, and how long that took, for the protocol's statistics call.

Requests queue their figures, and the catalog's thread counts those of each second together, as for drift. The counters
only serve to share figures between workers. /metrics leaves them out, since it has the figures by model.
"""

import threading
from collections import Counter as Tally
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, Counter, Metric

from serving.prediction.predictor import Prediction

PREFIX = "plumbline_statistics_"
INSTANCES = f"{PREFIX}instances"
STAGES = f"{PREFIX}stage_seconds"
FAILED = f"{PREFIX}failed_seconds"
REQUESTS = "plumbline_gateway_requests"
SECONDS = "plumbline_gateway_request_seconds"

_MAX_PENDING = 10_000
"""The number of requests whose figures are queued before the next request has to count them."""


@dataclass
class VersionStatistics:
    """The requests of a version since the gateway started, and their time in seconds."""

    succeeded: float = 0
    failed: float = 0
    instances: float = 0
    seconds: float = 0
    failed_seconds: float = 0
    stage_seconds: dict[str, float] = field(default_factory=dict)


class VersionTotals:
    """Counts instances, stages and the time of failures by version, in *registry*. Safe to share between threads."""

    def __init__(self, registry: CollectorRegistry) -> None:
        version = ("model", "version")
        self._instances = Counter(INSTANCES, "Instances answered.", version, registry=registry)
        self._stages = Counter(STAGES, "The time of answers' stages.", (*version, "stage"), registry=registry)
        self._failed = Counter(FAILED, "The time of requests that failed.", version, registry=registry)
        self._pending: deque[Prediction] = deque()
        self._flushing = threading.Lock()

    def add(self, prediction: Prediction) -> None:
        """Queue the figures of a successful request."""
        self._pending.append(prediction)
        if len(self._pending) > _MAX_PENDING:
            self.flush()

    def failed(self, model: str, version: object, seconds: float) -> None:
        """Count the time of a request that failed."""
        self._failed.labels(model, version).inc(seconds)

    def flush(self) -> None:
        """Count what requests queued."""
        with self._flushing:
            instances: Tally[tuple[str, int]] = Tally()
            stages: dict[tuple[str, int, str], float] = {}
            for _ in range(len(self._pending)):
                prediction = self._pending.popleft()
                version = (prediction.model, prediction.version)
                instances[version] += len(prediction.answers)
                for stage, seconds in prediction.stage_seconds.items():
                    stages[*version, stage] = stages.get((*version, stage), 0.0) + seconds
            for of_version, count in instances.items():
                self._instances.labels(*of_version).inc(count)
            for of_stage, seconds in stages.items():
                self._stages.labels(*of_stage).inc(seconds)


def statistics(metrics: Iterable[Metric]) -> dict[tuple[str, int], VersionStatistics]:
    """Return the statistics from all workers' *metrics*, by model and version."""
    by_version: dict[tuple[str, int], VersionStatistics] = {}
    for metric in metrics:
        for sample in metric.samples:
            labels = sample.labels
            if (version := labels.get("version", "")).isdecimal():
                version_statistics = by_version.setdefault((labels["model"], int(version)), VersionStatistics())
                _add_sample(version_statistics, sample.name, labels, sample.value)
    return by_version


def _add_sample(counted: VersionStatistics, name: str, labels: dict[str, str], value: float) -> None:
    if name == f"{REQUESTS}_total":
        if labels["code"] < "400":
            counted.succeeded += value
        else:
            counted.failed += value
    elif name == f"{INSTANCES}_total":
        counted.instances += value
    elif name == f"{SECONDS}_sum":
        counted.seconds += value
    elif name == f"{FAILED}_total":
        counted.failed_seconds += value
    elif name == f"{STAGES}_total":
        stage = labels["stage"]
        counted.stage_seconds[stage] = counted.stage_seconds.get(stage, 0.0) + value
