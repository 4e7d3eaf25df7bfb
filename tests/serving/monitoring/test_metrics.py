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
        "plumbline_gateway_prediction_seconds": "histogram",
        "plumbline_gateway_failures_total": "counter",
        "plumbline_gateway_batch_requests": "histogram",
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


def test_versions_are_told_apart() -> None:
    metrics = Metrics(None)
    for version in (3, 4, 3):
        metrics.predicted(Prediction("digits", version, [{}], dict.fromkeys(STAGES, 0.25)))
    metrics.failed("digits", 4)
    text = exposed(metrics)
    assert 'prediction_seconds_count{model="digits",version="3"} 2.0' in text
    assert 'prediction_seconds_sum{model="digits",version="4"} 1.25' in text
    assert 'failures_total{model="digits",version="4"} 1.0' in text


def test_calls_and_the_requests_that_shared_them_are_counted() -> None:
    metrics = Metrics(None)
    metrics.called("digits", 1)
    metrics.called("digits", 5)
    text = exposed(metrics)
    assert 'batch_requests_count{model="digits"} 2.0' in text
    assert 'batch_requests_sum{model="digits"} 6.0' in text


def test_a_model_without_a_live_version_shows_zero() -> None:
    metrics = Metrics(None)
    metrics.refreshed("digits", ModelState())
    assert 'live_version{model="digits"} 0.0' in exposed(metrics)
