"""All metrics of the gateway. docs/metrics.md has the same list for people.

Labels are configured models, admitted versions and names from contracts, never text from a request: look the model up
before using its name as a label. Under gunicorn the values of all workers are added up through files, so only counters,
histograms and gauges with a `live...` mode may be used.
"""

import logging
import threading
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST

from serving.catalog import ModelState, Refusal
from serving.catalog.weights import Weights
from serving.errors import ParityError
from serving.monitoring.call_statistics import FAILED, VersionStatistics, statistics
from serving.monitoring.children import INSTANCES, SECONDS, Children
from serving.monitoring.exemplars import Exemplars
from serving.monitoring.observations import Observations
from serving.monitoring.prediction_metrics import PredictionMetrics
from serving.monitoring.reserved_files import ReservedFile, use_reserved_files
from serving.monitoring.scrape import MAX_VERSIONS, exposition, merged
from serving.monitoring.shadow_metrics import ShadowMetrics
from serving.monitoring.watch import DriftWatch
from serving.prediction.predictor import Prediction
from serving.prediction.shadowing import Shares
from serving.tfserving.version_status import VersionStatus
from serving.truth.expected import of_test_rows

CONTENT_TYPE, CONTENT_TYPE_OPENMETRICS = CONTENT_TYPE_PLAIN_0_0_4, CONTENT_TYPE_LATEST
UNKNOWN = "unknown"
"""The label of any model that is not configured."""
NO_VERSION = "none"
"""The label of requests in which no version took part."""

RETRIES = (VERSION_GONE, APART) = ("version_gone", "apart")
"""Why calls are repeated: their version was removed, or the model server refused the merged call."""

_COUNT_SECONDS = 0.1
"""How often to count what requests queued. While the thread counts, they wait: what came in a second took 20 ms."""

_log = logging.getLogger(__name__)

_REQUESTS = (1, 2, 4, 8, 16, 32, 64)


class Metrics:
    """The metrics of one gateway. gunicorn's workers share theirs in *shared_dir*; None is for a single process.

    *shadow* has shares in percent by model and version.
    """

    def __init__(self, shared_dir: Path | None, shadow: Shares = MappingProxyType({})) -> None:
        self._shared_dir = shared_dir
        use_reserved_files()
        self._registry = CollectorRegistry()
        self._histograms: list[Observations] = []
        self._closing = threading.Event()
        self._define_requests()
        self._define_rpcs()
        self._define_versions()
        self._define_explanations()
        self._define_feedback()
        self._define_captures()
        self._define_processes()
        self._watch = DriftWatch(
            self._counter("feature_instances", "Instances by feature and bin.", "model", "version", "feature", "bin"),
            self._counter("outside_range", "Values outside the range of training.", "model", "version", "feature"),
            self._counter("missing_values", "Fields that were absent or null.", "model", "version", "feature"),
            shared_dir,
        )
        self.shadows = ShadowMetrics(self._registry, shadow)
        self._exemplars = Exemplars("plumbline_gateway_request_seconds", SECONDS, shared_dir)
        self._refusals: dict[tuple[str, int], Refusal] = {}
        self._statuses: dict[str, Sequence[VersionStatus]] = {}
        self._engines: dict[str, Mapping[int, str]] = {}
        self._tested: dict[str, Mapping[int, Mapping[tuple[str, str], float]]] = {}
        self._shown: frozenset[str] | None = None

    def _define_requests(self) -> None:
        self._requests = self._counter(
            "requests", "Predict requests, by version and HTTP status.", "model", "version", "code"
        )
        self._request_seconds = self._histogram("request_seconds", "Their time.", SECONDS, "model", "version")
        self._predictions = PredictionMetrics(self._registry)
        version = ("model", "version")
        self._failed_seconds = Children(Counter(FAILED, "The time of failures.", version, registry=self._registry))
        self._queued = self._gauge("queued_requests", "Requests that wait in the queue.", "livesum", "model")
        self._shed = self._counter("shed_requests", "Requests refused because the queue was full.", "model")
        self._left_out = self._counter("log_lines_left_out", "Lines not logged in a flood.", "model", "code")
        self.in_flight = Gauge(
            "plumbline_gateway_in_flight_requests",
            "Predict requests being answered now.",
            multiprocess_mode="livesum",
            registry=self._registry,
        )

    def _define_rpcs(self) -> None:
        self._rpcs = self._counter("rpcs", "Calls to the model server.", "model", "method", "code")
        self._rpc_seconds = self._histogram("rpc_seconds", "Their time.", SECONDS, "model", "method")
        self._rpc_retries = self._counter("rpc_retries", "Calls made again.", "model", "reason")
        self._batch_requests = self._histogram("batch_requests", "Requests that shared a call.", _REQUESTS, "model")
        self._batch_instances = self._histogram("batch_instances", "Instances of a call.", INSTANCES, "model")

    def _define_versions(self) -> None:
        self._ready = self._gauge("model_ready", "Whether every worker can answer.", "livemin", "model")
        self._live = self._gauge("live_version", "The version that answers; 0 if none.", "livemin", "model")
        self._desired = self._gauge("desired_version", "The newest version that should.", "livemax", "model")
        self._available = self._gauge("available_version", "The newest on the model server.", "livemax", "model")
        self._failed = self._gauge("failed_versions", "Newest versions that did not load.", "livemax", "model")
        self._refused = self._gauge("refused_versions", "Versions that were not admitted.", "livemax", "model")
        self._parity = self._counter("parity_failures", "Parity checks that failed.", "model")
        self._trained = self._gauge(
            "contract_timestamp_seconds", "When the live version was trained.", "livemin", "model"
        )
        self._canary = self._gauge("canary_ratio", "A canary's share of requests.", "livemax", "model", "version")
        self._unusable_weights = Gauge(
            "plumbline_gateway_unusable_weights",
            "Whether CANARY_FILE can't be used.",
            multiprocess_mode="livemax",
            registry=self._registry,
        )

    def _define_explanations(self) -> None:
        self._explain_requests = self._counter("explain_requests", "Requests to explain an answer.", "model", "code")
        self._explain_seconds = self._histogram("explain_seconds", "The time of those answered.", SECONDS, "model")
        self._explain_predictions = self._counter("explain_predictions", "Instances answered to explain.", "model")

    def _define_feedback(self) -> None:
        self._feedback_requests = self._counter("feedback_requests", "Requests with feedback.", "model", "code")
        self._feedback_items = self._counter("feedback_items", "Truths of answers that were kept.", "model")

    def _define_captures(self) -> None:
        self._captured = self._counter("captured", "Instances that were written to captures.", "model")
        self._not_captured = self._counter("captures_dropped", "Those that were not.", "model", "reason")

    def _define_processes(self) -> None:
        prefix, registry = "plumbline_gateway", self._registry
        self._connections = self._gauge("connections", "Open connections.", "livesum", "state")
        self._refusals_of_connections = self._counter(
            "connections_refused", "Connections closed without an answer of the application.", "code"
        )
        Gauge(f"{prefix}_workers", "Processes alive.", multiprocess_mode="livesum", registry=registry).set(1)
        Counter(f"{prefix}_worker_starts", "Processes started.", registry=registry).inc()

    def answered(self, model: str, version: int | None, code: int, seconds: float, trace_id: str | None = None) -> None:
        """Count a request of a configured model, or of UNKNOWN. *version* is the one that answered or should have.

        *trace_id* is that of its trace, if sampled.
        """
        which = NO_VERSION if version is None else version
        self._requests[model, which, code].inc()
        self._request_seconds.add((model, which), seconds)
        if trace_id:
            self._exemplars.note(model, str(which), seconds, trace_id)
        if code >= 400:
            self._failed_seconds[model, which].inc(seconds)

    def predicted(self, prediction: Prediction) -> None:
        """Count a successful request."""
        self._predictions.add(prediction)
        if prediction.reference and prediction.measures:
            self._watch.add(prediction.model, prediction.version, prediction.reference, prediction.measures)

    def answered_explanation(self, model: str, code: int) -> None:
        """Count a request to explain an answer, of a configured model or of UNKNOWN."""
        self._explain_requests[model, code].inc()

    def explained(self, model: str, seconds: float, predictions: int) -> None:
        """Count an explanation, and the instances that were answered for it."""
        self._explain_seconds.add((model,), seconds)
        self._explain_predictions[(model,)].inc(predictions)

    def answered_feedback(self, model: str, code: int) -> None:
        """Count a request with feedback that ended."""
        self._feedback_requests[model, code].inc()

    def fed_back(self, model: str, items: int) -> None:
        """Count feedback that was kept."""
        self._feedback_items[(model,)].inc(items)

    def connected(self, counts: Mapping[str, int]) -> None:
        """Record how many connections this process has, by state."""
        for state, count in counts.items():
            self._connections[(state,)].set(count)

    def refused_connection(self, code: str) -> None:
        """Count a connection that was closed without an answer of the application."""
        self._refusals_of_connections[(code,)].inc()

    def left_out_of_log(self, code: str, model: str) -> None:
        """Count a line that was not logged because there were too many of its kind."""
        self._left_out[model or UNKNOWN, code].inc()

    def waiting(self, model: str, change: int) -> None:
        """Change the number of requests that wait in the queue."""
        self._queued[(model,)].inc(change)

    def shed(self, model: str) -> None:
        """Count a request that was refused because the queue was full."""
        self._shed[(model,)].inc()

    def captured(self, model: str, count: int) -> None:
        """Count instances that were written to captures."""
        self._captured[(model,)].inc(count)

    def capture_dropped(self, model: str, reason: str, count: int) -> None:
        """Count instances that should have been captured, and why they were not."""
        self._not_captured[model, reason].inc(count)

    def rpc(self, model: str, method: str, code: str, seconds: float) -> None:
        """Count a call to the model server that ended."""
        self._rpcs[model, method, code].inc()
        self._rpc_seconds.add((model, method), seconds)

    def retried(self, model: str, reason: str) -> None:
        """Count a repeated call to the model server."""
        self._rpc_retries[model, reason].inc()

    def called(self, model: str, requests: int, instances: int) -> None:
        """Count a call for scores that *requests* requests shared."""
        self._batch_requests.add((model,), requests)
        self._batch_instances.add((model,), instances)

    def refreshed(self, model: str, state: ModelState) -> None:
        """Record a model's state in the catalog."""
        key = (model,)
        self._ready[key].set(state.ready)
        self._live[key].set(state.newest.version if state.newest else 0)
        self._desired[key].set(state.desired)
        self._available[key].set(state.available)
        self._failed[key].set(len(state.failed))
        self._refused[key].set(len(state.refused))
        self._statuses[model] = state.statuses
        self._engines[model] = {version: live.engine for version, live in state.live.items()}
        self._tested[model] = {version: of_test_rows(live.contract) for version, live in state.live.items()}
        if state.newest and (trained := _timestamp(state.newest.contract.provenance)):
            self._trained[key].set(trained)
        for counter in (self._shed[key], *(self._rpc_retries[model, reason] for reason in RETRIES)):
            counter.inc(0)  # exists from the start, else a rate would miss the first
        self._parity[key].inc(sum(self._is_new(model, *it) for it in state.refused.items()))
        self._watch.refer(model, {version: live.contract.reference for version, live in state.live.items()})
        self._exemplars.save()

    def weighed(self, weights: Weights, is_usable: bool) -> None:
        """Record the shares of canaries, and whether the weights document could be used when it was looked at last."""
        shares: dict[tuple[object, ...], float] = {
            (model, version): it for model, each in weights.items() for version, it in each.shares.items()
        }
        for key in self._canary.keys() | shares.keys():  # a child can't be removed
            self._canary[key].set(shares.get(key, 0.0) / 100)
        self._unusable_weights.set(not is_usable)

    def show(self, models: Collection[str]) -> None:
        """Expose only these models from now on: children of shared metrics can't be removed."""
        self._shown = frozenset(models)
        for model in self._statuses.keys() - self._shown:
            self._statuses.pop(model, None)
            self._engines.pop(model, None)
            self._tested.pop(model, None)
            self._watch.refer(model, {})

    def start(self) -> None:
        """Start the thread that counts what requests queue."""
        threading.Thread(target=self._count_often, name="count", daemon=True).start()

    def close(self) -> None:
        """End the thread, and count what is queued."""
        self._closing.set()
        self._flush()

    def exposition(self, openmetrics: bool = False) -> bytes:
        """Return all values, of all workers if they share a folder, in the text format of Prometheus or OpenMetrics."""
        self._flush()
        exemplars = self._exemplars if openmetrics else None
        shown = None if self._shown is None else self._shown | {UNKNOWN}
        return exposition(self._registry, self._shared_dir, self._derived, exemplars, shown)

    def statistics(self) -> dict[tuple[str, int], VersionStatistics]:
        """Return each version's statistics of all workers. Their last moments may be missing."""
        self._flush()
        return statistics(merged(self._registry, self._shared_dir)[0])

    def _count_often(self) -> None:
        while not self._closing.wait(_COUNT_SECONDS):
            try:
                self._count()
            except Exception:  # a bug with one value must not end the counting of others
                _log.exception("requests can't be counted")

    def _count(self) -> None:
        self._watch.flush()
        self._predictions.flush()
        for histogram in self._histograms:
            histogram.flush()

    def _flush(self) -> None:
        self._count()
        self._exemplars.save()

    def _derived(self, metrics: Sequence[Metric], files: int) -> list[Metric]:
        """Return the metrics that are computed at scrape, from the sum over all workers."""
        version, feature = ("model", "version"), ("model", "version", "feature")
        references = _gauge_family("reference_ratio", "Training's rows by bin.", *feature, "bin")
        shares = _gauge_family("drift_window_ratio", "The window's rows by bin.", *feature, "bin")
        psi = _gauge_family("drift_psi", "Population stability index, less what chance gives.", *feature)
        ks = _gauge_family("drift_ks", "Kolmogorov-Smirnov distance.", *feature)
        rows = _gauge_family("drift_window_instances", "Instances in the window.", *version)
        self._watch.fill(metrics, references, shares, psi, ks, rows)
        states = _gauge_family("version_state", "1 for the state of a version on the model server.", *version, "state")
        for model, statuses in list(self._statuses.items()):  # of this process: the others have the same
            for status in sorted(statuses, key=lambda status: status.version)[-MAX_VERSIONS:]:
                states.add_metric([model, str(status.version), status.state], 1)
        engines = _gauge_family("version_engine", "1 for what computes a live version.", *version, "engine")
        for model, by_version in list(self._engines.items()):
            for number_of_version, engine in by_version.items():
                engines.add_metric([model, str(number_of_version), engine], 1)
        measures = _gauge_family("test_measure", "The measure on the test rows.", *version, "head", "measure")
        for model, tested_versions in list(self._tested.items()):
            for number_of_version, its in tested_versions.items():
                for names, value in its.items():
                    measures.add_metric([model, str(number_of_version), *names], value)
        number = _gauge_family("metric_files", "Files that this scrape read.")
        number.add_metric([], files)
        unwritten = _gauge_family("unwritten_metrics", "Values that this process has no room on the disk for.")
        unwritten.add_metric([], sum(len(file.unwritten) for file in list(ReservedFile.opened)))
        return [references, shares, psi, ks, rows, states, engines, measures, number, unwritten]

    def _is_new(self, model: str, version: int, refusal: Refusal) -> bool:
        before, self._refusals[model, version] = self._refusals.get((model, version)), refusal
        return refusal.code == ParityError.code and refusal is not before

    def _counter(self, name: str, text: str, *labels: str) -> Children[Counter]:
        return Children(Counter(f"plumbline_gateway_{name}", text, labels, registry=self._registry))

    def _gauge(self, name: str, text: str, mode: Any, *labels: str) -> Children[Gauge]:
        gauge = Gauge(f"plumbline_gateway_{name}", text, labels, multiprocess_mode=mode, registry=self._registry)
        return Children(gauge)

    def _histogram(self, name: str, text: str, buckets: tuple[float, ...], *labels: str) -> Observations:
        metric = Histogram(f"plumbline_gateway_{name}", text, labels, buckets=buckets, registry=self._registry)
        self._histograms.append(Observations(metric))
        return self._histograms[-1]


def _gauge_family(name: str, text: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"plumbline_gateway_{name}", text, labels=labels)


def _timestamp(provenance: Mapping[str, Any]) -> float:
    """Return when the model was trained, in Unix seconds, or 0 if that is unknown."""
    trained_at = provenance.get("trained_at")
    return datetime.fromisoformat(trained_at).timestamp() if isinstance(trained_at, str) else 0.0
