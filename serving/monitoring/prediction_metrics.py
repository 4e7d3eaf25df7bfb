"""Metrics of successful predictions, which requests queue and a thread counts together, ten times a second.

Some are counters by version for the protocol's statistics call, which only serve to share figures between workers:
/metrics leaves them out, since it has the figures by model.
"""

import threading
from collections import Counter as Tally
from collections import defaultdict, deque
from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Counter, Histogram

from serving.monitoring import call_statistics
from serving.monitoring.children import INSTANCES, SECONDS, Children
from serving.monitoring.observations import Observations
from serving.prediction.predictor import FORMER_STAGES, STAGES, Prediction

_MAX_PENDING = 10_000
"""The number of queued predictions from which on the next request has to count them."""


class PredictionMetrics:
    """Counts predictions in *registry*. Safe to share between threads."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def counter(name: str, text: str, *labels: str) -> Children[Counter]:
            return Children(Counter(name, text, ("model", *labels), registry=registry))

        def histogram(name: str, text: str, buckets: Sequence[float], *labels: str) -> Observations:
            return Observations(Histogram(name, text, ("model", *labels), buckets=buckets, registry=registry))

        prefix = "plumbline_gateway"
        self._seconds = histogram(
            f"{prefix}_stage_seconds", "The time of an answered request's stages.", SECONDS, "stage"
        )
        self._sizes = histogram(f"{prefix}_request_instances", "Instances of an answered request.", INSTANCES)
        self._names = counter(f"{prefix}_predictions", "Labels and tags of instances.", "version", "label")
        self._instances = counter(call_statistics.INSTANCES, "Instances answered.", "version")
        self._stages = counter(call_statistics.STAGE_SECONDS, "The time of answers' stages.", "version", "stage")
        self._pending: deque[Prediction] = deque()
        self._flushing = threading.Lock()

    def add(self, prediction: Prediction) -> None:
        """Queue a prediction."""
        self._pending.append(prediction)
        if len(self._pending) > _MAX_PENDING:
            self.flush()

    def flush(self) -> None:
        """Count what is queued."""
        with self._flushing:
            versions: defaultdict[tuple[str, int], list[Prediction]] = defaultdict(list)
            for _ in range(len(self._pending)):
                prediction = self._pending.popleft()
                versions[prediction.model, prediction.version].append(prediction)
            for version, predictions in versions.items():
                self._count(version, predictions)

    def _count(self, version: tuple[str, int], predictions: Sequence[Prediction]) -> None:
        model, _ = version
        sizes = [len(prediction.answers) for prediction in predictions]
        self._sizes.count((model,), sizes)
        self._instances[version].inc(sum(sizes))
        for stage in STAGES:
            seconds = [prediction.stage_seconds[stage] for prediction in predictions]
            self._stages[*version, stage].inc(sum(seconds))
            for name in filter(None, (stage, FORMER_STAGES.get(stage))):
                self._seconds.count((model, name), seconds)
        names = Tally(name for prediction in predictions for name in prediction.heads.names_in(prediction.answers))
        for name, count in names.items():
            self._names[*version, name].inc(count)
