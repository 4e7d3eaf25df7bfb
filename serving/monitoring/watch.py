"""Compares the gateway's current inputs and answers with the reference of their contract.

Requests queue their measures, and a thread counts them together ten times a second, so that the cost of a request
doesn't grow with the number of features. Counters of several workers, or gateways, can be added, while an index
computed in each worker could not be combined. So drift is computed at scrape: from the sum of the counters less what it
was when the window began.
"""

import json
import threading
import time
from collections import deque
from collections.abc import Mapping, MutableMapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from prometheus_client import Counter, Metric
from prometheus_client.core import GaugeMetricFamily

from serving.contract.arrays import Array
from serving.contract.reference import Feature, Measures, Reference
from serving.monitoring.drift import Verdict, Window, report
from serving.monitoring.worker_files import write_atomically

WINDOW_SECONDS = 3600.0
WINDOW_ROWS = 1000
"""A window covers between half and all of this time, or between half and all of these rows if that takes longer."""

_FORGOTTEN_SECONDS = 7 * 86_400.0
"""How long an unmoved window is kept: its version was removed, or gets no requests."""

_MAX_PENDING = 10_000
"""The number of requests whose measures are queued before the next request has to count them."""

_STATE = "drift-windows.json"
_FEATURES = "plumbline_gateway_feature_instances"
_PREDICTIONS = "plumbline_gateway_predictions"
_LABEL = "label"

_Version = tuple[str, int]
_Children = MutableMapping[tuple[object, ...], Counter]


class DriftWatch:
    """Counts instances by the bins of their contract's reference, and computes drift. Safe to share between threads."""

    def __init__(self, bins: _Children, outside: _Children, missing: _Children, folder: Path | None) -> None:
        self._bins = bins
        self._outside = outside
        self._missing = missing
        self._flushing = threading.Lock()
        self._pending: deque[tuple[_Version, Reference, Measures]] = deque()  # safe between threads at both ends
        self._references: dict[str, Mapping[int, Reference | None]] = {}
        self._windows = _Windows(folder / _STATE if folder else None)

    def add(self, model: str, version: int, reference: Reference, measures: Measures) -> None:
        """Queue *measures* of a version's inputs and answers."""
        self._pending.append(((model, version), reference, measures))
        if len(self._pending) > _MAX_PENDING:
            self.flush()

    def refer(self, model: str, references: Mapping[int, Reference | None]) -> None:
        """Set the live versions of a model, with their references."""
        self._references[model] = references

    def flush(self) -> None:
        """Count what requests queued."""
        with self._flushing:
            self._flush()

    def _flush(self) -> None:
        together: dict[tuple[_Version, int], tuple[Reference, list[Measures]]] = {}
        for _ in range(len(self._pending)):
            version, reference, measures = self._pending.popleft()
            together.setdefault((version, id(reference)), (reference, []))[1].append(measures)
        for (version, _), (reference, parts) in together.items():
            self._count(version, Window.of(reference, Measures.joined(parts)))

    def fill(
        self,
        merged: Sequence[Metric],
        references: GaugeMetricFamily,
        shares: GaugeMetricFamily,
        psi: GaugeMetricFamily,
        ks: GaugeMetricFamily,
        rows: GaugeMetricFamily,
    ) -> None:
        """Fill in references, and windows with their drift, of the live versions, from the counters of all workers."""
        counts = _by_version(merged)
        live = {
            (model, version): reference
            for model, versions in self._references.items()
            for version, reference in versions.items()
            if reference
        }
        totals = {version: _window(reference, counts.get(version, {})) for version, reference in live.items()}
        for (model, version), window in self._windows.since(totals).items():
            names = [model, str(version)]
            rows.add_metric(names, window.rows)
            for feature, drift, counts in zip(window.reference.features, report(window), window.counts, strict=True):
                labels = [*names, feature.name]
                _fill_shares(references, labels, feature.bins, feature.counts)
                if window.rows:  # a model that nobody asks takes no more room than it must
                    _fill_shares(shares, labels, feature.bins, counts[: len(feature.bins)].tolist())
                if drift.verdict != Verdict.TOO_FEW:
                    psi.add_metric(labels, drift.psi)
                    if drift.ks is not None:
                        ks.add_metric(labels, drift.ks)

    def _count(self, version: _Version, window: Window) -> None:
        width = window.reference.width
        for feature, row in zip(window.reference.features, window.counts.tolist(), strict=True):
            if _is_label(feature, window.reference):
                continue  # counted as predictions
            for name, count in zip(feature.bins, row, strict=False):
                if count:
                    self._bins[*version, feature.name, name].inc(count)
            below, above, missing = row[width:]
            if below + above:
                self._outside[*version, feature.name].inc(below + above)
            if missing:
                self._missing[*version, feature.name].inc(missing)


def _fill_shares(
    family: GaugeMetricFamily, labels: Sequence[str], bins: Sequence[str], counts: Sequence[float]
) -> None:
    total = sum(counts) or 1
    for name, count in zip(bins, counts, strict=True):
        family.add_metric([*labels, name], count / total)


@dataclass
class _Span:
    """What had been counted when two windows began: the one that is exposed, and the one that will follow it."""

    counts: Array
    rows: float
    next_counts: Array
    next_rows: float
    next_seconds: float


class _Windows:
    """Where the windows began. Workers share it in the file *path*, which is None for a single process."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._spans: dict[str, _Span] = {}

    def since(self, totals: Mapping[_Version, Window]) -> dict[_Version, Window]:
        """Return the windows up to now of versions with the counters *totals*. Move long enough windows on."""
        spans = self._load()
        now, windows, moved = time.time(), {}, False
        for (model, version), total in totals.items():
            name = f"{model} {version}"
            span = spans.get(name)
            if span is None or not _continues(total.counts, span.next_counts):
                nothing = np.zeros_like(total.counts)
                span = spans[name] = _Span(nothing, 0, nothing, 0, now)
                moved = True
            elif now - span.next_seconds > WINDOW_SECONDS / 2 and total.rows - span.next_rows > WINDOW_ROWS / 2:
                span = _Span(span.next_counts, span.next_rows, total.counts, total.rows, now)
                spans[name], moved = span, True
            windows[model, version] = total - Window(total.reference, span.counts, span.rows)
        if moved:
            self._save(spans)
        return windows

    def _load(self) -> dict[str, _Span]:
        if self._path is None:
            return self._spans
        try:
            stored: dict[str, Any] = json.loads(self._path.read_text("utf-8"))
        except FileNotFoundError:
            return {}
        return {
            name: _Span(np.array(counts), rows, np.array(next_counts), next_rows, seconds)
            for name, (counts, rows, next_counts, next_rows, seconds) in stored.items()
        }

    def _save(self, spans: Mapping[str, _Span]) -> None:
        if self._path is not None:
            kept = time.time() - _FORGOTTEN_SECONDS
            stored = {
                name: (it.counts.tolist(), it.rows, it.next_counts.tolist(), it.next_rows, it.next_seconds)
                for name, it in spans.items()
                if it.next_seconds > kept
            }
            with suppress(OSError):  # a full disk: the windows begin anew once there is room
                write_atomically(self._path, stored)


def _continues(counts: Array, earlier: Array) -> bool:
    """Return whether *counts* may follow *earlier*: not if a version's number was reused with another contract."""
    return counts.shape == earlier.shape and bool((counts >= earlier).all())


def _by_version(merged: Sequence[Metric]) -> dict[_Version, dict[tuple[str, str], float]]:
    """Return the counters by model and version, and by feature and bin. The feature of labels is empty."""
    found: dict[_Version, dict[tuple[str, str], float]] = {}
    for metric in merged:
        if metric.name not in (_FEATURES, _PREDICTIONS):
            continue
        for sample in metric.samples:
            if sample.name.endswith("_total"):
                labels = sample.labels
                key = (labels["feature"], labels["bin"]) if "feature" in labels else ("", labels["label"])
                found.setdefault((labels["model"], int(labels["version"])), {})[key] = sample.value
    return found


def _window(reference: Reference, counts: Mapping[tuple[str, str], float]) -> Window:
    total = np.zeros((len(reference.features), reference.width + 3))
    for row, feature in zip(total, reference.features, strict=True):
        of = "" if _is_label(feature, reference) else feature.name
        row[: len(feature.bins)] = [counts.get((of, name), 0.0) for name in feature.bins]
    rows = total[: len(reference.columns)].sum(axis=1)  # of a score or value, which is never missing, all
    return Window(reference, total, float(rows.max(initial=0)))


def _is_label(feature: Feature, reference: Reference) -> bool:
    """Return whether it is the label of an answer: not an input field of that name, see Reference.beside."""
    return feature.name.rstrip("_") == _LABEL and any(feature is it for it in reference.output_categories)
