"""Repository index and statistics, as Triton's client asks for them."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient
from tritonclient import http as triton
from tritonclient.utils import InferenceServerException

from tests.serving.contracts import text_contract
from tests.serving.fake_model_server import FakeModelServer, wait_until
from tests.serving.gateway.test_health import metrics

TEXTS = {"instances": [{"text": "a good film"}, {"text": "bad"}]}


@pytest.fixture
def client(address: str) -> Iterator[triton.InferenceServerClient]:
    client = triton.InferenceServerClient(address)
    yield client
    client.close()


def ready(name: str, version: str = "1") -> dict[str, str]:
    return {"name": name, "version": version, "state": "READY", "reason": ""}


READY = [ready(name) for name in ("sentiment", "house_price", "digits")]


def test_the_index_lists_versions_with_their_state(
    client: triton.InferenceServerClient, gateway: FlaskClient, model_server: FakeModelServer
) -> None:
    assert client.get_model_repository_index() == READY
    model_server.publish(text_contract(), 2, weights=1)
    model_server.withdraw("digits", 1)
    wait_until(lambda: client.get_model_repository_index()[-1]["state"] == "UNAVAILABLE")
    wait_until(lambda: len(client.get_model_repository_index()) == 4)
    first, refused, house, gone = client.get_model_repository_index()
    assert (first, house) == (ready("sentiment"), ready("house_price"))
    assert (refused["version"], refused["state"]) == ("2", "UNAVAILABLE")
    assert "scores are off" in refused["reason"]
    assert gone["name"] == "digits"
    assert gone["reason"]
    for body, count in (({"ready": True}, 2), ({"ready": False}, 4), ({"ready": None}, 4), ({}, 4)):
        assert len(gateway.post("/v2/repository/index", json=body).get_json()) == count


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"[]", "expected nothing or a JSON object, got an array"),
        (b'{"ready": 1}', "expected 'ready' as a boolean, got a number"),
        (b"{", "the body is not JSON"),
    ],
)
def test_what_is_no_index_request_is_told(gateway: FlaskClient, body: bytes, message: str) -> None:
    reply = gateway.post("/v2/repository/index", data=body)
    assert reply.status_code == 400
    assert message in reply.get_json()["error"]


def test_the_index_is_no_prediction(gateway: FlaskClient) -> None:
    gateway.post("/v2/repository/index")
    assert not [name for name in metrics(gateway) if name.startswith("plumbline_gateway_requests_total")]


def test_statistics_are_what_was_counted(client: triton.InferenceServerClient, gateway: FlaskClient) -> None:
    for _ in range(3):
        assert gateway.post("/predict/sentiment", json=TEXTS).status_code == 200
    assert gateway.post("/v1/models/sentiment:predict", json={"instances": [""]}).status_code == 400
    (told,) = client.get_inference_statistics("sentiment")["model_stats"]
    assert (told["name"], told["version"], told["inference_count"]) == ("sentiment", "1", 6)
    stats = told["inference_stats"]
    counts = {name: duration["count"] for name, duration in stats.items()}
    stages = ("queue", "compute_input", "compute_infer", "compute_output")
    assert counts == {"success": 3, "fail": 1, **dict.fromkeys(stages, 3)}
    counted = metrics(gateway)
    everything = counted['plumbline_gateway_request_seconds_sum{model="sentiment",version="1"}']
    assert stats["success"]["ns"] + stats["fail"]["ns"] == pytest.approx(everything * 1e9, abs=2)
    assert 0 < stats["compute_infer"]["ns"] < stats["success"]["ns"]
    staged = sum(stats[stage]["ns"] for stage in stages)
    all_stages = [value for name, value in counted.items() if re.search(r'_stage_seconds_sum\{.*stage="(?!rpc")', name)]
    assert staged == pytest.approx(sum(all_stages) * 1e9, abs=10)


def test_each_version_has_its_own(
    client: triton.InferenceServerClient, gateway: FlaskClient, model_server: FakeModelServer
) -> None:
    model_server.publish(text_contract(weights=1), 2, weights=1)
    wait_until(lambda: client.is_model_ready("sentiment", "2"))
    gateway.post("/predict/sentiment?version=1", json=TEXTS)
    gateway.post("/predict/sentiment?version=2", json=TEXTS["instances"][0])
    gateway.post("/predict/sentiment?version=2", json=TEXTS)

    def counts(*names: str) -> Any:
        told = client.get_inference_statistics(*names)["model_stats"]
        return {(each["name"], each["version"]): each["inference_count"] for each in told}

    assert counts("sentiment") == {("sentiment", "1"): 2, ("sentiment", "2"): 3}
    assert counts("sentiment", "2") == {("sentiment", "2"): 3}
    assert counts() == {**counts("sentiment"), ("house_price", "1"): 0, ("digits", "1"): 0}
    for names in (("zebra",), ("sentiment", "9")):
        with pytest.raises(InferenceServerException) as raised:
            client.get_inference_statistics(*names)
        assert raised.value.status() == "404"
