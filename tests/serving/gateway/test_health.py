import re

from flask.testing import FlaskClient

from tests.serving.contracts import text_contract
from tests.serving.fake_model_server import FakeModelServer, wait_until


def metrics(gateway: FlaskClient) -> dict[str, float]:
    lines = gateway.get("/metrics").get_data(as_text=True).splitlines()
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))}


def test_a_live_process_is_healthy_whatever_the_models_are(gateway: FlaskClient, model_server: FakeModelServer) -> None:
    model_server.stop()
    assert gateway.get("/healthz").status_code == 200


def test_ready_means_every_model(gateway: FlaskClient, model_server: FakeModelServer) -> None:
    assert gateway.get("/readyz").get_json()["ready"]
    model_server.publish(text_contract(), 2, weights=1)
    model_server.withdraw("sentiment", 1)
    wait_until(lambda: gateway.get("/readyz").status_code == 503)
    told = gateway.get("/readyz").get_json()
    assert not told["ready"]
    assert not told["models"]["sentiment"]["ready"]
    assert "scores are off" in told["models"]["sentiment"]["problem"]
    assert told["models"]["digits"] == {"ready": True, "versions": [1], "problem": None, "refused": {}}


def test_requests_are_counted_by_model_and_code(gateway: FlaskClient) -> None:
    gateway.post("/predict/sentiment", json={"instances": [{"text": "a"}, {"text": "b"}]})
    gateway.post("/predict/sentiment", json={"text": 1})
    gateway.post("/predict/zebra", json={"text": "a"})
    gateway.get("/models")
    told = metrics(gateway)
    assert told['plumbline_gateway_requests_total{code="200",model="sentiment",version="1"}'] == 1
    assert told['plumbline_gateway_requests_total{code="422",model="sentiment",version="1"}'] == 1
    assert told['plumbline_gateway_requests_total{code="404",model="unknown",version="none"}'] == 1
    assert told['plumbline_gateway_request_instances_sum{model="sentiment"}'] == 2
    assert told["plumbline_gateway_in_flight_requests"] == 0
    assert told['plumbline_gateway_live_version{model="sentiment"}'] == 1
    for stage in ("decode", "preprocess", "rpc", "postprocess"):
        assert told[f'plumbline_gateway_stage_seconds_count{{model="sentiment",stage="{stage}"}}'] == 1
    assert told['plumbline_gateway_request_seconds_count{model="sentiment",version="1"}'] == 2


def test_text_from_a_request_never_becomes_a_label(gateway: FlaskClient) -> None:
    for name in ("zebra", "x" * 100, "%22%7D"):
        gateway.post(f"/predict/{name}", json={})
        gateway.put(f"/predict/{name}")
    labels = set(re.findall(r'model="([^"]*)"', gateway.get("/metrics").get_data(as_text=True)))
    assert labels == {"sentiment", "house_price", "digits", "unknown"}


def test_metrics_are_in_prometheus_text_format(gateway: FlaskClient) -> None:
    assert gateway.get("/metrics").content_type.startswith("text/plain; version=")
