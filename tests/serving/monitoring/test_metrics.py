import re

from serving.catalog import ModelState
from serving.monitoring.metrics import UNKNOWN, Metrics
from serving.predictor import STAGES, Prediction


def exposed(metrics: Metrics) -> str:
    return metrics.exposition().decode()


def test_names_follow_prometheus_conventions() -> None:
    kinds = dict(re.findall(r"^# TYPE (\S+) (\S+)$", exposed(Metrics(None)), re.MULTILINE))
    own = {name: kind for name, kind in kinds.items() if not name.endswith("_created")}
    assert own == {
        "plumbline_gateway_requests_total": "counter",
        "plumbline_gateway_request_seconds": "histogram",
        "plumbline_gateway_stage_seconds": "histogram",
        "plumbline_gateway_instances_total": "counter",
        "plumbline_gateway_in_flight_requests": "gauge",
        "plumbline_gateway_live_version": "gauge",
        "plumbline_gateway_refused_versions": "gauge",
    }


def test_two_gateways_in_one_process_count_apart() -> None:
    one, other = Metrics(None), Metrics(None)
    one.answered(UNKNOWN, 404, 0.1)
    assert 'requests_total{code="404",model="unknown"} 1.0' in exposed(one)
    assert 'code="404"' not in exposed(other)


def test_a_prediction_is_counted_by_instance_and_stage() -> None:
    metrics = Metrics(None)
    metrics.predicted(Prediction("digits", 1, [{}, {}, {}], dict.fromkeys(STAGES, 0.25)))
    assert 'instances_total{model="digits"} 3.0' in exposed(metrics)
    for stage in STAGES:
        assert f'stage_seconds_sum{{model="digits",stage="{stage}"}} 0.25' in exposed(metrics)


def test_a_model_without_a_live_version_shows_zero() -> None:
    metrics = Metrics(None)
    metrics.refreshed("digits", ModelState())
    assert 'live_version{model="digits"} 0.0' in exposed(metrics)
