"""The metrics as Prometheus reads them: the sum over all workers, and what is computed from it."""

from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Sequence
from pathlib import Path

from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

from serving.monitoring import call_statistics as statistics
from serving.monitoring import worker_files
from serving.monitoring.exemplars import Exemplars

MAX_VERSIONS = 8
"""How many versions of a model are exposed, the newest: counters can't be removed, and new versions come for years."""


Derive = Callable[[Sequence[Metric], int], Iterable[Metric]]
"""Takes the sum of all workers' metrics and the number of their files. Returns further metrics."""


class _Families(Collector):
    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = tuple(families)

    def collect(self) -> Iterable[Metric]:
        return self._families


def exposition(
    registry: CollectorRegistry,
    folder: Path | None,
    derive: Derive,
    exemplars: Exemplars | None = None,
    models: Container[str] | None = None,
) -> bytes:
    """Return this process's *registry*, or what all workers wrote to *folder*, in Prometheus' text format.

    With *exemplars* use OpenMetrics' text format, which can contain them. With *models* leave out those of others.
    """
    metrics, files = merged(registry, folder)
    metrics = [metric for metric in metrics if not metric.name.startswith(statistics.PREFIX)]
    if models is not None:
        _forget_others(metrics, models)
    _forget_old_versions(metrics)
    if exemplars:
        exemplars.attach(metrics)
        for metric in metrics:
            metric.samples.sort(key=_series)  # keeps those of a series together
    together = CollectorRegistry()
    together.register(_Families([*metrics, *derive(metrics, files)]))
    return openmetrics.generate_latest(together) if exemplars else generate_latest(together)  # type: ignore[no-untyped-call]


def merged(registry: CollectorRegistry, folder: Path | None) -> tuple[list[Metric], int]:
    """Return this process's metrics, or those of all workers that share *folder*, and the number of their files."""
    return (list(registry.collect()), 0) if folder is None else worker_files.read(folder)


def _series(sample: Sample) -> list[tuple[str, str]]:
    return sorted(item for item in sample.labels.items() if item[0] != "le")


def _forget_others(metrics: Sequence[Metric], models: Container[str]) -> None:
    for metric in metrics:
        metric.samples = [it for it in metric.samples if it.labels.get("model") is None or it.labels["model"] in models]


def _forget_old_versions(metrics: Sequence[Metric]) -> None:
    versions: defaultdict[str, set[int]] = defaultdict(set)
    for metric in metrics:
        for sample in metric.samples:
            if (version := sample.labels.get("version", "")).isdecimal():
                versions[sample.labels["model"]].add(int(version))
    shown = {model: {str(it) for it in sorted(known)[-MAX_VERSIONS:]} for model, known in versions.items()}
    if all(len(known) <= MAX_VERSIONS for known in versions.values()):
        return
    for metric in metrics:
        metric.samples = [
            sample
            for sample in metric.samples
            if not (version := sample.labels.get("version", "")).isdecimal() or version in shown[sample.labels["model"]]
        ]
