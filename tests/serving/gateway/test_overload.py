"""What is refused before a thread is taken for it."""

import pytest

from serving.gateway.overload import overload_check
from serving.monitoring.gateway_metrics import Metrics
from serving.prediction.concurrency import ConcurrencyLimits

FULL = "digits: the queue is full: 0 requests are waiting; try again later"


@pytest.mark.parametrize(
    ("method", "path", "told"),
    [
        ("POST", "/predict/digits", FULL),
        ("POST", "/v1/models/digits:predict", FULL),
        ("POST", "/v1/models/digits/versions/2:predict", FULL),
        ("POST", "/v2/models/digits/infer", FULL),
        ("POST", "/predict/sentiment", ""),
        ("GET", "/v2/models/digits", ""),
        ("POST", "/v2/digits", ""),
        ("POST", "/v2", ""),
        ("POST", "/", ""),
        ("OPTIONS", "*", ""),
    ],
)
def test_predictions_of_a_model_whose_queue_is_full_are_refused_and_counted(method: str, path: str, told: str) -> None:
    metrics = Metrics(None)
    limits = ConcurrencyLimits(1, 0, on_refusal=metrics.shed)
    check = overload_check(limits, metrics)

    assert check(method, path) == ""
    with limits.slot("digits", 1.0):
        assert check(method, path) == told
    assert check(method, path) == ""

    counted = metrics.exposition().decode()
    assert ('shed_requests_total{model="digits"} 1.0' in counted) == bool(told)
    assert ('requests_total{code="429",model="digits",version="none"} 1.0' in counted) == bool(told)
