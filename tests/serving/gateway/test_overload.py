"""What is refused before a thread is taken for it."""

import pytest

from serving.gateway.overload import Door
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
    door = Door(limits, metrics)

    assert door.enter(method, path) == ""
    door.leave(method, path)
    with limits.slot("digits", 1.0):
        assert door.enter(method, path) == told
    assert door.enter(method, path) == ""

    counted = metrics.exposition().decode()
    assert ('shed_requests_total{model="digits"} 1.0' in counted) == bool(told)
    assert ('requests_total{code="429",model="digits",version="none"} 1.0' in counted) == bool(told)


def test_requests_that_have_yet_to_ask_for_a_slot_are_counted() -> None:
    limits = ConcurrencyLimits(2, 1)
    door = Door(limits, Metrics(None))
    with limits.slot("digits", 1.0):
        pass

    assert [door.enter("POST", "/predict/digits") != "" for _ in range(5)] == [False, False, False, True, True]
    door.leave("POST", "/predict/digits")
    assert [door.enter("POST", "/predict/digits") != "" for _ in range(2)] == [False, True]


def test_a_name_that_no_model_has_is_not_refused() -> None:
    door = Door(ConcurrencyLimits(1, 0), Metrics(None))

    assert [door.enter("POST", "/predict/nobody") for _ in range(3)] == ["", "", ""]
