"""The metrics of the server, under TensorFlow Serving's names, with its labels, units and buckets."""

from serving.local_server.prometheus_text import Counter, Histogram

_PREFIX = ":tensorflow:serving"
_BATCHING = f"{_PREFIX}:batching_session"

_LATENCIES = [10 * 1.8**power for power in range(33)]  # microseconds
_WAITS = [100 * 1.2**power for power in range(52)]  # microseconds
_SIZES = [2.0**power for power in range(14)]


class RequestMetrics:
    """Counts requests and times those that succeed. Callers must pass only names of configured models."""

    def __init__(self) -> None:
        self.count = Counter(f"{_PREFIX}:request_count", "model_name", "status")
        self.latency = Histogram(f"{_PREFIX}:request_latency", _LATENCIES, "model_name", "API", "entrypoint")

    def record(self, model: str, status: str, api: str, entrypoint: str, seconds: float) -> None:
        """Note one answered request."""
        self.count.add(model, status)
        if status == "OK":
            self.latency.observe(seconds * 1e6, model, api, entrypoint)


class BatchingMetrics:
    """Counts batches and what is in them, and times what waits for them."""

    def __init__(self) -> None:
        self.input_size = Histogram(f"{_BATCHING}:input_batch_size", _SIZES)
        self.padding = Histogram(f"{_BATCHING}:padding_size", _SIZES, "execution_batch_size")
        self.processed_size = Histogram(f"{_BATCHING}:processed_batch_size", _SIZES)
        self.waiting = Histogram(f"{_BATCHING}:queuing_latency", _WAITS, "thread_pool_name")
        self.runs = Counter(f"{_BATCHING}:wrapped_run_count")

    def requested(self, rows: int) -> None:
        """Note a request of *rows*, before it is queued."""
        self.input_size.observe(rows)

    def waited(self, seconds: float) -> None:
        """Note how long a request, or a piece of one, has been in its queue."""
        # The original leaves thread_pool_name empty, whatever its parameters file says.
        self.waiting.observe(seconds * 1e6, "")

    def computed(self, rows: int, padding: int) -> None:
        """Note a batch of *rows* and *padding* further rows."""
        self.runs.add()
        self.padding.observe(padding, str(rows + padding))
        self.processed_size.observe(rows + padding)


class Metrics:
    """All metrics of the server."""

    def __init__(self) -> None:
        self.requests = RequestMetrics()
        self.batching = BatchingMetrics()

    def expose(self) -> str:
        """Return all metrics in Prometheus' text format."""
        requests, batching = self.requests, self.batching
        families = (
            *(batching.input_size, batching.padding, batching.processed_size, batching.waiting, batching.runs),
            *(requests.count, requests.latency),
        )
        return "".join(f"{line}\n" for family in families for line in family.lines())
