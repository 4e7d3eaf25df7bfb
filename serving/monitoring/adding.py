"""Adds up the counts of several workers.

prometheus_client's own collector first makes an object for every sample of each worker. Here, values of the same series
are added up as they are read, so more workers hardly slow a scrape down.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from prometheus_client import Metric
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.samples import Sample

_ADDED = ("counter", "histogram")


def merge(files: Iterable[Path]) -> list[Metric]:
    """Merge prometheus_client's *files* of several workers. Each name starts with the kind of its metrics."""
    by_kind: defaultdict[str, list[Path]] = defaultdict(list)
    for file in files:
        if file.stat().st_size:  # the file of a worker that is starting, or was killed then, is empty
            by_kind[file.name.partition("_")[0]].append(file)
    added = [metric for kind in _ADDED for metric in _added(kind, by_kind.pop(kind, []))]
    others = [str(file) for rest in by_kind.values() for file in rest]
    return [*added, *MultiProcessCollector.merge(others)]  # type: ignore[no-untyped-call]


def totals(files: Iterable[Path]) -> dict[str, float]:
    """Add up the values of each series, by prometheus_client's key for it."""
    added: defaultdict[str, float] = defaultdict(float)
    for file in files:
        for key, value, _, _ in MmapedDict.read_all_values_from_file(str(file)):  # type: ignore[no-untyped-call]
            added[key] += value
    return added


def _added(kind: str, files: Sequence[Path]) -> list[Metric]:
    metrics: dict[str, Metric] = {}
    for key, value in totals(files).items():
        family, name, labels, text = _parsed(key)
        metric = metrics.get(family) or metrics.setdefault(family, Metric(family, text, kind))
        metric.add_sample(name, labels, value)
    for metric in metrics.values() if kind == "histogram" else ():
        metric.samples = _cumulative(metric)
    return list(metrics.values())


@lru_cache(maxsize=50_000)
def _parsed(key: str) -> tuple[str, str, dict[str, str], str]:
    """Read a series' key: the metric, the sample, its labels (which callers must not change) and the help text."""
    family, name, labels, text = json.loads(key)
    return family, name, labels, text


def _cumulative(metric: Metric) -> list[Sample]:
    """Make cumulative buckets and counts from the separate buckets in the files."""
    samples: list[Sample] = []
    series: defaultdict[tuple[tuple[str, str], ...], list[tuple[float, Sample]]] = defaultdict(list)
    for sample in metric.samples:
        if bound := sample.labels.get("le"):
            series[_without_bound(sample.labels)].append((float(bound), sample))
        else:
            samples.append(sample)
    for labels, buckets in series.items():
        count = 0.0
        for _, bucket in sorted(buckets, key=lambda item: item[0]):
            count += bucket.value
            samples.append(Sample(bucket.name, bucket.labels, count))
        samples.append(Sample(f"{metric.name}_count", dict(labels), count))
    return samples


def _without_bound(labels: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(item for item in labels.items() if item[0] != "le")
