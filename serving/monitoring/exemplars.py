"""Exemplars: for each bucket of a histogram the trace of a recent request, which OpenMetrics shows with its count.

prometheus_client keeps none if several processes share their metrics (its values' `set_exemplar` does nothing then). So
each worker writes its own to a file in the same folder once a second, and a scrape reads all of them.
"""

import json
import os
import time
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from math import inf
from pathlib import Path

from prometheus_client import Metric
from prometheus_client.samples import Exemplar

from serving.monitoring.worker_files import EXEMPLARS, exemplars_file, write_atomically

_Series = tuple[str, str, float]
"""Model, version and upper bound of a bucket."""


@dataclass(frozen=True)
class _Seen:
    trace_id: str
    seconds: float
    moment: float


class Exemplars:
    """The latest sampled request in each bucket of the histogram *name*. Workers share theirs in *folder*."""

    def __init__(self, name: str, bounds: Sequence[float], folder: Path | None) -> None:
        self._name = name
        self._bounds = (*bounds, inf)
        self._folder = folder
        self._seen: dict[_Series, _Seen] = {}
        self._is_saved = True

    def note(self, model: str, version: str, seconds: float, trace_id: str) -> None:
        """Remember a request whose trace was sampled."""
        bound = self._bounds[bisect_left(self._bounds, seconds)]
        self._seen[model, version, bound] = _Seen(trace_id, seconds, time.time())
        self._is_saved = False

    def save(self) -> None:
        """Write this worker's exemplars for the others, if there are new ones."""
        if self._folder is not None and not self._is_saved:
            self._is_saved = True
            listed = [[*series, it.trace_id, it.seconds, it.moment] for series, it in self._seen.copy().items()]
            with suppress(OSError):  # a full disk
                write_atomically(self._folder / exemplars_file(os.getpid()), listed)

    def attach(self, metrics: Iterable[Metric]) -> None:
        """Add all workers' exemplars to the buckets among *metrics*."""
        latest = self._all()
        for metric in metrics:
            if metric.name == self._name and latest:
                metric.samples = [
                    sample._replace(exemplar=Exemplar({"trace_id": it.trace_id}, it.seconds, it.moment))
                    if sample.name.endswith("_bucket") and (it := latest.get(_series(sample.labels)))
                    else sample
                    for sample in metric.samples
                ]

    def _all(self) -> dict[_Series, _Seen]:
        latest = self._seen.copy()
        for file in self._folder.glob(f"{EXEMPLARS}*.json") if self._folder else ():
            with suppress(FileNotFoundError):  # of a worker that just ended
                for model, version, bound, *seen in json.loads(file.read_text("utf-8")):
                    series, it = (model, version, float(bound)), _Seen(*seen)
                    if series not in latest or latest[series].moment < it.moment:
                        latest[series] = it
        return latest


def _series(labels: dict[str, str]) -> _Series:
    return labels["model"], labels["version"], float(labels["le"])
