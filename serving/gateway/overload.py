"""Refuses predictions at the door: without a thread, and before any of the work that their answer would take."""

import threading
from collections import Counter
from functools import lru_cache

from serving.monitoring.gateway_metrics import Metrics
from serving.prediction.concurrency import ConcurrencyLimits

_PROTOCOLS = ("v1", "v2")


class Door:
    """Lets in as many predictions of a model at a time as *limits* let run and wait.

    It counts them from before a thread takes them: those that come at once would all find the queue not yet full.
    """

    def __init__(self, limits: ConcurrencyLimits, metrics: Metrics) -> None:
        self._limits = limits
        self._metrics = metrics
        self._inside: Counter[str] = Counter()
        self._lock = threading.Lock()

    def enter(self, method: str, path: str) -> str:
        """Let a request in, for which `leave` is to be called. Return why not; empty if it is in.

        What is refused is counted as a request with that answer.
        """
        model = _model(method, path)
        if not model:
            return ""
        with self._lock:
            if not self._limits.is_full(model, self._inside[model]):
                self._inside[model] += 1
                return ""
        error = self._limits.refusal(model)
        self._metrics.answered(model, None, error.status, 0.0)
        return str(error)

    def leave(self, method: str, path: str) -> None:
        """Count a request out, however it was answered."""
        if model := _model(method, path):
            with self._lock:
                self._inside[model] -= 1
                if not self._inside[model]:
                    del self._inside[model]  # callers make up names


@lru_cache(256)
def _model(method: str, path: str) -> str:
    """Return the model whose prediction is asked for, by any protocol; empty if there is none."""
    if method != "POST":
        return ""
    _, first, *rest = [*path.split("/"), "", "", ""]
    if first == "predict":
        return rest[0]
    return rest[1].partition(":")[0] if first in _PROTOCOLS and rest[0] == "models" else ""
