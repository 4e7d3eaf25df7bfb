import re
from dataclasses import replace
from datetime import datetime

import grpc
from flask.testing import FlaskClient

from serving.gateway.app import close_app, create_app
from serving.gateway.settings import Settings
from tests.serving.contracts import TRAINED_AT, tabular_contract, text_contract, with_reference
from tests.serving.fake_model_server import FakeModelServer, wait_until

CODES = ("OK", "RESOURCE_EXHAUSTED")


def metrics(gateway: FlaskClient) -> dict[str, float]:
    lines = gateway.get("/metrics").get_data(as_text=True).splitlines()
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))}


def test_a_live_process_is_healthy_whatever_the_models_are(gateway: FlaskClient, model_server: FakeModelServer) -> None:
    model_server.stop()
    assert gateway.get("/healthz").status_code == 200


def test_ready_is_told_of_each_model_and_one_that_can_not_be_served_hides_no_other(
    gateway: FlaskClient, model_server: FakeModelServer
) -> None:
    model_server.publish(text_contract(), 2, weights=1)
    model_server.withdraw("sentiment", 1)
    wait_until(lambda: not gateway.get("/readyz").get_json()["models"]["sentiment"]["ready"])
    reply = gateway.get("/readyz")
    told = reply.get_json()
    assert (reply.status_code, told["ready"]) == (200, True)
    assert "scores are off" in told["models"]["sentiment"]["problem"]
    assert told["models"]["digits"] == {"ready": True, "versions": [1], "problem": None, "refused": {}}

    model_server.stop()
    wait_until(lambda: gateway.get("/readyz").status_code == 503)


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
    for stage in ("decode", "preprocess", "predict", "rpc", "postprocess"):
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


def test_calls_to_the_model_server_are_counted_by_method_and_status(
    gateway: FlaskClient, model_server: FakeModelServer
) -> None:
    before = metrics(gateway)
    assert before['plumbline_gateway_rpcs_total{code="OK",method="GetModelStatus",model="sentiment"}'] >= 1
    assert gateway.post("/predict/sentiment", json={"instances": [{"text": "a"}, {"text": "b"}]}).status_code == 200
    model_server.failure = (grpc.StatusCode.RESOURCE_EXHAUSTED, "full")
    assert gateway.post("/predict/sentiment", json={"text": "a"}).status_code == 503
    told = metrics(gateway)
    ok, full = (f'plumbline_gateway_rpcs_total{{code="{code}",method="Predict",model="sentiment"}}' for code in CODES)
    assert told[ok] == before[ok] + 1
    assert told[full] == 1
    seconds = 'plumbline_gateway_rpc_seconds_count{method="Predict",model="sentiment"}'
    assert told[seconds] == told[ok] + told[full]
    assert told['plumbline_gateway_batch_instances_sum{model="sentiment"}'] == 3
    assert told['plumbline_gateway_requests_total{code="503",model="sentiment",version="1"}'] == 1


def test_a_request_that_is_done_again_since_its_version_went_is_counted(
    settings: Settings, model_server: FakeModelServer
) -> None:
    model_server.publish(text_contract(weights=1), 2, weights=1)
    app = create_app(replace(settings, refresh_seconds=60))
    client = app.test_client()
    wait_until(lambda: client.get("/readyz").status_code == 200)
    model_server.withdraw("sentiment", 2)
    assert client.post("/predict/sentiment", json={"text": "a"}).get_json()["version"] == 1
    assert metrics(client)['plumbline_gateway_rpc_retries_total{model="sentiment",reason="version_gone"}'] >= 1
    close_app(app)


def test_a_newer_version_that_is_refused_is_desired_but_not_live(
    gateway: FlaskClient, model_server: FakeModelServer
) -> None:
    model_server.publish(text_contract(weights=1), 2, weights=3)  # computes what training did not
    name = 'plumbline_gateway_{}{{model="sentiment"}}'
    wait_until(lambda: metrics(gateway)[name.format("refused_versions")] == 1)
    told = metrics(gateway)
    assert told[name.format("desired_version")] == 2
    assert told[name.format("live_version")] == 1
    assert told[name.format("parity_failures_total")] == 1
    assert told[name.format("model_ready")] == 1
    model_server.withdraw("sentiment", 2)
    wait_until(lambda: metrics(gateway)[name.format("desired_version")] == 1)


def test_inputs_and_drift_are_told_of_what_has_a_reference(settings: Settings, model_server: FakeModelServer) -> None:
    contract = with_reference(tabular_contract(), 2000)
    model_server.publish(contract)
    app = create_app(settings)
    client = app.test_client()
    wait_until(lambda: client.get("/readyz").status_code == 200)
    house = {"rooms": 99.0, "age": 30.0}
    for _ in range(50):
        assert client.post("/predict/house_price", json={"instances": [house] * 4}).status_code == 200
    told = metrics(client)
    place = 'model="house_price",version="1"'
    assert told[f'plumbline_gateway_outside_range_total{{feature="rooms",{place}}}'] == 200
    assert told[f'plumbline_gateway_feature_instances_total{{bin="+Inf",feature="rooms",{place}}}'] == 200
    assert told[f'plumbline_gateway_drift_psi{{feature="rooms",{place}}}'] > 0.25
    trained = datetime.fromisoformat(TRAINED_AT).timestamp()
    assert told['plumbline_gateway_contract_timestamp_seconds{model="house_price"}'] == trained
    assert not [name for name in told if "feature=" in name and "sentiment" in name]
    close_app(app)
