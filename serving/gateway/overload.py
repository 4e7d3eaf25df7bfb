"""Refuses predictions at the door: without a thread, and before any of the work that their answer would take."""

from collections.abc import Callable

from serving.monitoring.gateway_metrics import Metrics
from serving.prediction.concurrency import ConcurrencyLimits

_PROTOCOLS = ("v1", "v2")


def overload_check(limits: ConcurrencyLimits, metrics: Metrics) -> Callable[[str, str], str]:
    """Return a function of method and path, which returns why to refuse the request with 429; empty if not to.

    What it refuses is counted as a request with that answer.
    """

    def check(method: str, path: str) -> str:
        model = _model(path) if method == "POST" else ""
        if not model or not limits.is_full(model):
            return ""
        error = limits.refusal(model)
        metrics.answered(model, None, error.status, 0.0)
        return str(error)

    return check


def _model(path: str) -> str:
    """Return the model in the path of a prediction of any protocol; empty if there is none."""
    _, first, *rest = [*path.split("/"), "", "", ""]
    if first == "predict":
        return rest[0]
    return rest[1].partition(":")[0] if first in _PROTOCOLS and rest[0] == "models" else ""
