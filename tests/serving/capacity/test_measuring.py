from pathlib import Path

import pytest

from serving.capacity.costs import measured_costs
from serving.capacity.errors import NotMeasured
from serving.capacity.measuring import of_gateway, of_version


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serving.capacity.measuring._MEASURED_SECONDS", 0.0)


@pytest.mark.parametrize("of_model", [0.0, 1e9])
def test_what_the_model_takes_of_a_request_is_told_by_the_gateway_s_metrics(of_model: float) -> None:
    asked: list[int] = []
    costs = of_gateway(measured_costs("text"), asked.append, lambda: (of_model * len(asked), len(asked)))

    assert len(asked) == 70  # 20 of them to warm up
    assert (costs.gateway_seconds > 0, costs.model_server_seconds > 0) == (not of_model, bool(of_model))
    assert costs.source.startswith("requests measured here")


def test_a_gateway_that_computes_its_models_has_one_cost() -> None:
    asked: list[int] = []
    costs = of_gateway(measured_costs("text", True), asked.append, lambda: (1e-9 * len(asked), len(asked)))

    assert costs.gateway_seconds > 0
    assert costs.model_server_seconds == 0
    assert costs.gateway_mb == 364


def test_metrics_that_do_not_count_the_requests_measure_nothing() -> None:
    with pytest.raises(NotMeasured, match="counted none of the requests"):
        of_gateway(measured_costs("text"), lambda number: None, lambda: (1.0, 7))


def test_a_version_is_measured_in_this_process(published: Path) -> None:
    costs = of_version(measured_costs("text"), published, "house_price")

    assert costs.gateway_seconds > 0.00044
    assert 0 < costs.model_server_seconds < 1


def test_a_model_that_is_not_there_is_named(published: Path) -> None:
    with pytest.raises(NotMeasured, match="holds no model 'nobody'"):
        of_version(measured_costs("text"), published, "nobody")
