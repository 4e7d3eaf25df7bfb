"""What each version of a model answered, and how long that took, for the protocol's statistics call."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from prometheus_client import Metric

PREFIX = "plumbline_statistics_"
INSTANCES = f"{PREFIX}instances"
STAGE_SECONDS = f"{PREFIX}stage_seconds"
FAILED = f"{PREFIX}failed_seconds"
REQUESTS = "plumbline_gateway_requests"
SECONDS = "plumbline_gateway_request_seconds"


@dataclass
class VersionStatistics:
    """The requests of a version since the gateway started, and their time in seconds."""

    succeeded: float = 0
    failed: float = 0
    instances: float = 0
    seconds: float = 0
    failed_seconds: float = 0
    stage_seconds: dict[str, float] = field(default_factory=dict)


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
    elif name == f"{STAGE_SECONDS}_total":
        stage = labels["stage"]
        counted.stage_seconds[stage] = counted.stage_seconds.get(stage, 0.0) + value
