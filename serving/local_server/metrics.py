"""The metrics of requests, under TensorFlow Serving's names.

Written by hand: a name that begins with a colon, and a counter that does not end in `_total`, are more than
prometheus_client will write.
"""

import threading
from bisect import bisect_left
from itertools import accumulate

REQUEST_COUNT = ":tensorflow:serving:request_count"
REQUEST_LATENCY = ":tensorflow:serving:request_latency"

_BOUNDS = [10 * 1.8**power for power in range(33)]  # microseconds

CountKey = tuple[str, str]  # model name, status
LatencyKey = tuple[str, str, str]  # model name, API, entry point


class _Histogram:
    def __init__(self) -> None:
        self.counts = [0] * (len(_BOUNDS) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        self.counts[bisect_left(_BOUNDS, value)] += 1
        self.total += value


class RequestMetrics:
    """Counts requests and times those that succeed. Callers must not pass a model name that only a client knows."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: dict[CountKey, int] = {}
        self._latencies: dict[LatencyKey, _Histogram] = {}

    def record(self, model: str, status: str, api: str, entrypoint: str, seconds: float) -> None:
        """Note one answered request."""
        with self._lock:
            self._requests[model, status] = self._requests.get((model, status), 0) + 1
            if status == "OK":
                self._latencies.setdefault((model, api, entrypoint), _Histogram()).observe(seconds * 1e6)

    def expose(self) -> str:
        """Write all of it in Prometheus' text format."""
        lines = []
        with self._lock:
            if self._requests:
                lines.append(f"# TYPE {REQUEST_COUNT} counter")
            for (model, status), count in sorted(self._requests.items()):
                lines.append(f'{REQUEST_COUNT}{{model_name="{_escape(model)}",status="{status}"}} {count}')
            if self._latencies:
                lines.append(f"# TYPE {REQUEST_LATENCY} histogram")
            for key, histogram in sorted(self._latencies.items(), key=lambda item: item[0]):
                lines.extend(_histogram_lines(key, histogram))
        return "".join(f"{line}\n" for line in lines)


def _histogram_lines(key: LatencyKey, histogram: _Histogram) -> list[str]:
    model, api, entrypoint = key
    labels = f'model_name="{_escape(model)}",API="{api}",entrypoint="{entrypoint}"'
    bounds = [f"{bound:g}" for bound in _BOUNDS] + ["+Inf"]
    totals = list(accumulate(histogram.counts))
    lines = [
        f'{REQUEST_LATENCY}_bucket{{{labels},le="{bound}"}} {total}'
        for bound, total in zip(bounds, totals, strict=True)
    ]
    lines.append(f"{REQUEST_LATENCY}_sum{{{labels}}} {histogram.total:g}")
    lines.append(f"{REQUEST_LATENCY}_count{{{labels}}} {totals[-1]}")
    return lines


def _escape(label: str) -> str:
    return label.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
