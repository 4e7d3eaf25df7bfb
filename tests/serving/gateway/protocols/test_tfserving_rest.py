"""TensorFlow Serving's REST shapes, with raw instances."""

import base64
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient

from serving.gateway.settings import Settings
from tests.serving.contracts import png, text_contract
from tests.serving.fake_model_server import FakeModelServer, wait_until
from tests.serving.gateway.test_health import metrics

TEXTS = ["a good film", "bad"]
HOUSES = [{"rooms": 6.5, "age": 40}, {"rooms": 3, "age": 90.5}]
VALUES = [0.8088235, 0.39068633]
LABELLED = [
    {"label": "positive", "score": 0.7549019, "labels": ["positive", "negative"], "scores": [0.7549019, 0.2450981]},
    {"label": "positive", "score": 0.5490196, "labels": ["positive", "negative"], "scores": [0.5490196, 0.4509804]},
]
PICTURE = base64.b64encode(png(90)).decode()


MAX_BODY_BYTES, MAX_INSTANCES = 20_000, 4


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, max_body_bytes=MAX_BODY_BYTES, max_instances=MAX_INSTANCES)


def base64_of(text: str) -> dict[str, str]:
    return {"b64": base64.b64encode(text.encode()).decode()}


@pytest.mark.parametrize(
    "instances",
    [
        [{"text": text} for text in TEXTS],
        TEXTS,
        [TEXTS[0], {"text": TEXTS[1]}],
        [{"text": base64_of(text)} for text in TEXTS],
        [base64_of(text) for text in TEXTS],
        [[text] for text in TEXTS],
        [{"text": [text]} for text in TEXTS],
        [[base64_of(text)] for text in TEXTS],
        [{"text": [base64_of(text)]} for text in TEXTS],
    ],
)
@pytest.mark.parametrize("path", ["/v1/models/sentiment:predict", "/v1/models/sentiment/versions/1:predict"])
def test_rows_are_answered_by_rows(gateway: FlaskClient, path: str, instances: list[Any]) -> None:
    reply = gateway.post(path, json={"signature_name": "serving_default", "instances": instances})
    assert (reply.status_code, reply.mimetype) == (200, "application/json")
    assert reply.get_json() == {"predictions": LABELLED}


@pytest.mark.parametrize(
    "inputs",
    [
        {"text": TEXTS},
        TEXTS,
        {"text": [base64_of(text) for text in TEXTS]},
        {"text": [[text] for text in TEXTS]},
        [[text] for text in TEXTS],
        [[base64_of(text)] for text in TEXTS],
    ],
)
def test_columns_are_answered_by_columns(gateway: FlaskClient, inputs: Any) -> None:
    reply = gateway.post("/v1/models/sentiment:predict", json={"inputs": inputs})
    assert reply.get_json() == {"outputs": {name: [row[name] for row in LABELLED] for name in LABELLED[0]}}


def test_a_lone_output_is_not_named(gateway: FlaskClient) -> None:
    path = "/v1/models/house_price:predict"
    assert gateway.post(path, json={"instances": HOUSES}).get_json() == {"predictions": VALUES}
    columns = {name: [house[name] for house in HOUSES] for name in ("age", "rooms")}
    assert gateway.post(path, json={"inputs": columns}).get_json() == {"outputs": VALUES}
    alone = [{name: [value] for name, value in house.items()} for house in HOUSES]
    assert gateway.post(path, json={"instances": alone}).get_json() == {"predictions": VALUES}
    columns = {name: [[house[name]] for house in HOUSES] for name in ("age", "rooms")}
    assert gateway.post(path, json={"inputs": columns}).get_json() == {"outputs": VALUES}
    assert gateway.post(path, json={"inputs": HOUSES[0]}).get_json() == {"outputs": VALUES[:1]}


@pytest.mark.parametrize(
    "body",
    [
        {"instances": [{"image": {"b64": PICTURE}}]},
        {"instances": [{"b64": PICTURE}]},
        {"instances": [{"image": PICTURE}]},
        {"inputs": {"image": [{"b64": PICTURE}]}},
        {"inputs": {"b64": PICTURE}},
        {"instances": [[{"b64": PICTURE}]]},
        {"instances": [{"image": [{"b64": PICTURE}]}]},
        {"inputs": {"image": [[{"b64": PICTURE}]]}},
    ],
)
def test_a_picture_is_base64(gateway: FlaskClient, body: dict[str, Any]) -> None:
    told = gateway.post("/v1/models/digits:predict", json=body).get_json()
    label = "8"
    assert [told["predictions"][0]["label"] if "instances" in body else told["outputs"]["label"][0]] == [label]


def test_any_content_type_is_json(gateway: FlaskClient) -> None:
    for media in ("application/x-www-form-urlencoded", "text/plain", None):
        body = b'{"instances": ["a good film", "bad"]}'
        reply = gateway.post("/v1/models/sentiment:predict", data=body, content_type=media)
        assert reply.get_json() == {"predictions": LABELLED}


@pytest.mark.parametrize(
    ("model", "body", "message"),
    [
        ("sentiment", [], "expected a JSON object with 'instances' or 'inputs', got an array"),
        ("sentiment", {}, "expected either 'instances' or 'inputs', got neither"),
        ("sentiment", {"instances": [], "inputs": []}, "expected either 'instances' or 'inputs', got both"),
        ("sentiment", {"instances": []}, "expected at least one instance, got none"),
        ("sentiment", {"instances": "a"}, "expected 'instances' as an array, got a string"),
        ("sentiment", {"instances": ["a"], "examples": 1}, "and 'signature_name', got 'examples'"),
        ("sentiment", {"instances": ["a"], "signature_name": "qq"}, "expected 'serving_default' as 'signature_name'"),
        ("sentiment", {"instances": ["a"], "signature_name": {}}, "expected 'serving_default' as 'signature_name'"),
        ("sentiment", {"instances": [{"b64": "!"}]}, "expected a string that is not empty, got {'b64': '!'}"),
        ("sentiment", {"instances": [{"b64": "6Q=="}]}, r"got b'\xe9'"),
        ("house_price", {"inputs": [1, 2]}, "expected 'inputs' as an object with rooms, age, got an array"),
        (
            "house_price",
            {"inputs": {"rooms": [1], "age": [1, 2]}},
            "of the same length, got 2 of 'age' and 1 of 'rooms'",
        ),
        ("house_price", {"instances": [[1, 2]]}, "instance 0: expected an object with named fields, got [1, 2]"),
        ("sentiment", {"instances": [["a", "b"]]}, "expected a string that is not empty, got ['a', 'b']"),
        ("sentiment", {"instances": [[["a"]]]}, "expected a string that is not empty, got ['a']"),
        ("sentiment", {"instances": [[]]}, "expected a string that is not empty, got []"),
        ("sentiment", {"inputs": [["a"], ["b", "c"]]}, "expected a string that is not empty, got ['b', 'c']"),
        ("digits", {"instances": [{"b64": "!"}]}, "expected base64, got text that is not"),
        (
            "digits",
            {"instances": ["data:image/png;base64,AAAA"]},
            "expected base64 alone, without the beginning of a data",
        ),
    ],
)
def test_errors_are_told_as_there(gateway: FlaskClient, model: str, body: Any, message: str) -> None:
    reply = gateway.post(f"/v1/models/{model}:predict", json=body)
    assert (reply.status_code, reply.mimetype, list(reply.get_json())) == (400, "application/json", ["error"])
    assert message in reply.get_json()["error"]


@pytest.mark.parametrize(
    ("body", "places"),
    [
        ({"instances": [{"rooms": 1}, HOUSES[0], {"rooms": "x"}]}, ["/instances/2/rooms", "/instances/2/age"]),
        ({"inputs": {"rooms": "x", "age": "y"}}, ["/inputs/age"]),
        ({"instances": [HOUSES[0], {"rooms": ["x"], "age": ["y"]}]}, ["/instances/1/age/0"]),
        ({"inputs": {"rooms": [["x"], ["y"]], "age": [1, ["z"]]}}, ["/inputs/rooms/1/0", "/inputs/age/1/0"]),
        ({"inputs": {"rooms": [1, "x"], "other": [1, 2]}}, ["/inputs", "/inputs/other/1", "/inputs/rooms/1"]),
    ],
)
def test_all_errors_are_told_with_their_places(gateway: FlaskClient, body: Any, places: list[str]) -> None:
    error = gateway.post("/v1/models/house_price:predict", json=body).get_json()["error"]
    for place in places:
        assert f"; {place}: expected" in error


def test_missing_columns_are_named_once(gateway: FlaskClient) -> None:
    error = gateway.post("/v1/models/house_price:predict", json={"inputs": {"other": [1, 2]}}).get_json()["error"]
    assert error.endswith("; /inputs: expected rooms, age too")
    assert error.count("/inputs: ") == 1


def test_limits_are_kept(gateway: FlaskClient) -> None:
    reply = gateway.post("/v1/models/sentiment:predict", json={"instances": ["a"] * (MAX_INSTANCES + 1)})
    assert (reply.status_code, reply.get_json()) == (
        413,
        {"error": "expected at most 4 instances (MAX_INSTANCES), got 5"},
    )
    reply = gateway.post("/v1/models/sentiment:predict", json={"instances": ["a" * MAX_BODY_BYTES]})
    assert (reply.status_code, list(reply.get_json())) == (413, ["error"])


@pytest.mark.parametrize(
    ("path", "status", "error"),
    [
        ("/v1/models/zebra:predict", 404, "unknown model 'zebra'; this gateway serves sentiment, house_price, digits"),
        ("/v1/models/sentiment/versions/9:predict", 404, "sentiment: version 9 is not available on the model server"),
        ("/v1/models/sentiment/labels/stable:predict", 404, "sentiment: no version is available on the model"),
        ("/v1/models/zebra/labels/stable:predict", 404, "unknown model 'zebra'"),
        ("/v1/models/sentiment:classify", 404, "not found"),
        ("/v1/models/sentiment", 405, "method is not allowed"),
    ],
)
def test_what_is_not_there_is_told(gateway: FlaskClient, path: str, status: int, error: str) -> None:
    reply = gateway.post(path, json={"instances": ["a"]})
    assert (reply.status_code, list(reply.get_json())) == (status, ["error"])
    assert error in reply.get_json()["error"]


def test_the_status_lists_versions_highest_first(gateway: FlaskClient, model_server: FakeModelServer) -> None:
    ok = {"version": "1", "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
    assert gateway.get("/v1/models/sentiment/versions/1").get_json() == {"model_version_status": [ok]}
    told = {"name": "sentiment", "ready": True, "model_version_status": [ok]}
    assert gateway.get("/v1/models/sentiment").get_json() == told
    model_server.publish(text_contract(), 2, weights=1)
    wait_until(lambda: len(gateway.get("/v1/models/sentiment").get_json()["model_version_status"]) == 2)
    refused, one = gateway.get("/v1/models/sentiment").get_json()["model_version_status"]
    assert one == ok
    assert (refused["version"], refused["state"]) == ("2", "END")
    assert refused["status"]["error_code"] == "FAILED_PRECONDITION"
    assert "scores are off" in refused["status"]["error_message"]


@pytest.mark.parametrize("path", ["zebra", "sentiment/versions/7", "sentiment/labels/stable", "zebra/metadata"])
def test_the_status_of_what_is_not_there_is_404(gateway: FlaskClient, path: str) -> None:
    assert gateway.get(f"/v1/models/{path}").status_code == 404


def test_a_model_that_is_not_served_is_not_ready(gateway: FlaskClient, model_server: FakeModelServer) -> None:
    model_server.withdraw("sentiment", 1)
    wait_until(lambda: gateway.get("/v1/models/sentiment").status_code == 503)
    reply = gateway.get("/v1/models/sentiment")
    assert (reply.status_code, list(reply.get_json())) == (503, ["error"])
    assert "Retry-After" in reply.headers


def test_a_model_with_none_but_refused_versions_is_not_ready(
    gateway: FlaskClient, model_server: FakeModelServer
) -> None:
    model_server.publish(text_contract(), 2, weights=1)
    model_server.withdraw("sentiment", 1)
    wait_until(lambda: gateway.get("/v1/models/sentiment").get_json().get("ready") is False)
    (refused,) = gateway.get("/v1/models/sentiment").get_json()["model_version_status"]
    assert refused["state"] == "END"


@pytest.mark.parametrize("accept", ["*/*", "application/json", "application/json, */*;q=0.5"])
def test_kserves_client_is_told_at_the_root_that_the_server_is_alive(gateway: FlaskClient, accept: str) -> None:
    reply = gateway.get("/", headers={"Accept": accept})
    assert (reply.get_json(), reply.headers["Vary"]) == ({"status": "alive"}, "Accept, Accept-Encoding")


@pytest.mark.parametrize("accept", [None, "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/*"])
def test_and_browsers_get_the_page(gateway: FlaskClient, accept: str | None) -> None:
    reply = gateway.get("/", headers={"Accept": accept} if accept else {}, buffered=True)
    assert reply.mimetype == "text/html"
    assert "<title>" in reply.get_data(as_text=True)


def test_the_metadata_tells_the_raw_signature(gateway: FlaskClient) -> None:
    told = gateway.get("/v1/models/digits/versions/1/metadata").get_json()
    assert gateway.get("/v1/models/digits/metadata").get_json() == told
    assert told["model_spec"] == {"name": "digits", "signature_name": "", "version": "1"}
    signature = told["metadata"]["signature_def"]["signature_def"]["serving_default"]
    assert signature["method_name"] == "tensorflow/serving/predict"
    assert signature["inputs"]["image"] == {
        "dtype": "DT_STRING",
        "tensor_shape": {"dim": [{"size": "-1", "name": ""}], "unknown_rank": False},
        "name": "image:0",
    }
    assert [dim["size"] for dim in signature["outputs"]["scores"]["tensor_shape"]["dim"]] == ["-1", "3"]
    assert signature["outputs"]["scores"]["dtype"] == "DT_DOUBLE"


def test_requests_are_counted_with_all_others(gateway: FlaskClient) -> None:
    gateway.post("/v1/models/sentiment:predict", json={"instances": TEXTS})
    gateway.post("/v1/models/sentiment:predict", json={"instances": [""]})
    gateway.get("/v1/models/sentiment")
    told = metrics(gateway)
    assert told['plumbline_gateway_requests_total{code="200",model="sentiment",version="1"}'] == 1
    assert told['plumbline_gateway_requests_total{code="400",model="sentiment",version="1"}'] == 1
    assert told['plumbline_gateway_request_instances_sum{model="sentiment"}'] == 2
