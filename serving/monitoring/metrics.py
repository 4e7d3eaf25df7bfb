"""Every metric of the gateway, in one place.

Labels are models' names as configured and versions that were admitted, never text from a request: look the model up
first, then label. Under gunicorn the values of all workers are added up through files, so nothing here may need more
than counters, histograms and gauges with a `live...` mode.
"""

from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.multiprocess import MultiProcessCollector

from serving.catalog import ModelState
from serving.predictor import Prediction

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
UNKNOWN = "unknown"
"""Stands for any model that is not configured."""

_SECONDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)

_REQUESTS = (1, 2, 4, 8, 16, 32, 64)


class Metrics:
    """The metrics of one gateway; *shared_dir* is where gunicorn's workers share theirs, None for a single process."""

    def __init__(self, shared_dir: Path | None) -> None:
        self._shared_dir = shared_dir
        self._registry = registry = CollectorRegistry()
        prefix = "plumbline_gateway"
        self.requests = Counter(
            f"{prefix}_requests", "Predict requests, by HTTP status.", ["model", "code"], registry=registry
        )
        self.request_seconds = Histogram(
            f"{prefix}_request_seconds", "Predict requests' time.", ["model"], buckets=_SECONDS, registry=registry
        )
        self.stage_seconds = Histogram(
            f"{prefix}_stage_seconds",
            "The time of a request's stages: queue, decode, preprocess, rpc, postprocess.",
            ["model", "stage"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.instances = Counter(f"{prefix}_instances", "Instances answered.", ["model"], registry=registry)
        self.prediction_seconds = Histogram(
            f"{prefix}_prediction_seconds",
            "Requests answered, and the time of their stages together, by the version that did.",
            ["model", "version"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.failures = Counter(
            f"{prefix}_failures",
            "Requests that a version did not answer, though nothing was wrong with them.",
            ["model", "version"],
            registry=registry,
        )
        self.batch_requests = Histogram(
            f"{prefix}_batch_requests",
            "How many requests shared a call to the model server.",
            ["model"],
            buckets=_REQUESTS,
            registry=registry,
        )
        self.in_flight = Gauge(
            f"{prefix}_in_flight_requests",
            "Predict requests being answered now.",
            multiprocess_mode="livesum",
            registry=registry,
        )
        self.live_version = Gauge(
            f"{prefix}_live_version",
            "The version that answers; 0 if there is none.",
            ["model"],
            multiprocess_mode="livemostrecent",
            registry=registry,
        )
        self.refused_versions = Gauge(
            f"{prefix}_refused_versions",
            "Versions on the model server that failed their parity check.",
            ["model"],
            multiprocess_mode="livemax",
            registry=registry,
        )

    def answered(self, model: str, code: int, seconds: float) -> None:
        """Count a request of a configured model, or of UNKNOWN."""
        self.requests.labels(model, code).inc()
        self.request_seconds.labels(model).observe(seconds)

    def predicted(self, prediction: Prediction) -> None:
        """Count what a successful request did."""
        total = sum(prediction.stage_seconds.values())
        self.prediction_seconds.labels(prediction.model, prediction.version).observe(total)
        self.instances.labels(prediction.model).inc(len(prediction.answers))
        for stage, seconds in prediction.stage_seconds.items():
            self.stage_seconds.labels(prediction.model, stage).observe(seconds)

    def failed(self, model: str, version: int) -> None:
        """Count a request that a version should have answered."""
        self.failures.labels(model, version).inc()

    def called(self, model: str, requests: int) -> None:
        """Count a call to the model server, which *requests* requests shared."""
        self.batch_requests.labels(model).observe(requests)

    def refreshed(self, model: str, state: ModelState) -> None:
        """Note what the catalog knows of a model."""
        self.live_version.labels(model).set(state.newest.version if state.newest else 0)
        self.refused_versions.labels(model).set(len(state.refused))

    def exposition(self) -> bytes:
        """Give all values in Prometheus' text format: those of all workers, if they share a folder."""
        registry = self._registry
        if self._shared_dir is not None:
            registry = CollectorRegistry()
            MultiProcessCollector(registry, str(self._shared_dir))  # type: ignore[no-untyped-call]
        return generate_latest(registry)
