"""The metrics as Prometheus reads them: of all workers together, with what is told from their sum."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.registry import Collector

from serving.monitoring import statistics, worker_files

MOST_VERSIONS = 8
"""So many versions of a model are told, the newest: counters can't be removed, and versions come for years."""


Derive = Callable[[Sequence[Metric], int], Iterable[Metric]]
"""The sum of all workers' metrics, and the number of their files -> further metrics."""


class _Families(Collector):
    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = tuple(families)

    def collect(self) -> Iterable[Metric]:
        return self._families


def exposition(registry: CollectorRegistry, folder: Path | None, derive: Derive) -> bytes:
    """Give this process's *registry*, or what all workers wrote to *folder*, in Prometheus' text format."""
    metrics, files = merged(registry, folder)
    metrics = [metric for metric in metrics if not metric.name.startswith(statistics.PREFIX)]
    _forget_old_versions(metrics)
    together = CollectorRegistry()
    together.register(_Families([*metrics, *derive(metrics, files)]))
    return generate_latest(together)


def merged(registry: CollectorRegistry, folder: Path | None) -> tuple[list[Metric], int]:
    """Return this process's metrics, or those of all workers that share *folder*, and the number of their files."""
    return (list(registry.collect()), 0) if folder is None else worker_files.read(folder)


def _forget_old_versions(metrics: Sequence[Metric]) -> None:
    versions: defaultdict[str, set[int]] = defaultdict(set)
    for metric in metrics:
        for sample in metric.samples:
            if (version := sample.labels.get("version", "")).isdecimal():
                versions[sample.labels["model"]].add(int(version))
    told = {model: {str(it) for it in sorted(known)[-MOST_VERSIONS:]} for model, known in versions.items()}
    if all(len(known) <= MOST_VERSIONS for known in versions.values()):
        return
    for metric in metrics:
        metric.samples = [
            sample
            for sample in metric.samples
            if not (version := sample.labels.get("version", "")).isdecimal() or version in told[sample.labels["model"]]
        ]
