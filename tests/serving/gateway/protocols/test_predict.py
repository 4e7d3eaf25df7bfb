import base64
import dataclasses
import gzip
import io
import re
import threading
import time
import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import grpc
import pytest
from flask.testing import FlaskClient

from serving.gateway.app import close_app, create_app
from serving.gateway.settings import Settings
from serving.prediction.predictor import STAGES
from tests.serving.contracts import png, text_contract
from tests.serving.fake_model_server import FakeModelServer, wait_until
from tests.serving.gateway.problem_details import problem

TEXT = {"text": "a good film"}
GOOD = {"label": "positive", "score": 0.7549019, "scores": {"positive": 0.7549019, "negative": 0.2450981}}
HOUSE = {"rooms": 6.5, "age": 40}
JSON = "application/json"


MAX_BODY_BYTES, MAX_INSTANCES = 20_000, 4


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, max_body_bytes=MAX_BODY_BYTES, max_instances=MAX_INSTANCES)


def test_one_instance_is_answered(gateway: FlaskClient) -> None:
    reply = gateway.post("/predict/sentiment", json=TEXT)
    assert reply.status_code == 200
    assert reply.mimetype == JSON
    assert reply.get_json() == {
        "model": "sentiment",
        "version": 1,
        "predictions": [GOOD],
    }


def test_the_time_by_stage_is_told_in_a_header(gateway: FlaskClient) -> None:
    header = gateway.post("/predict/sentiment", json=TEXT).headers["Server-Timing"]
    stages = dict(re.fullmatch(r"(\w+);dur=(\d+\.\d{3})", metric).groups() for metric in header.split(", "))
    assert list(stages) == [*STAGES, "rpc"]  # the former name of `predict`
    assert 0 < float(stages["predict"]) == float(stages["rpc"]) < 5000


def test_many_instances_are_answered_in_order(gateway: FlaskClient) -> None:
    houses = [HOUSE, {"rooms": 3, "age": 90.5}, {"rooms": 8, "age": 0}]
    reply = gateway.post("/predict/house_price", json={"instances": houses})
    values = [answer["value"] for answer in reply.get_json()["predictions"]]
    assert values == [0.8088235, 0.39068633, 0.88235295]
    assert reply.get_json()["predictions"][0] == {"value": 0.8088235, "unit": "1000 USD"}


def test_an_image_comes_as_base64_as_a_file_or_as_the_body(gateway: FlaskClient) -> None:
    expected = [{"label": "8", "score": 0.1956044, "scores": {"8": 0.1956044, "3": 0.1846154, "6": 0.1472528}}]
    as_text = gateway.post("/predict/digits", json={"image": base64.b64encode(png(90)).decode()})
    as_file = gateway.post("/predict/digits", data={"image": (io.BytesIO(png(90)), "digit.png")})
    as_body = gateway.post("/predict/digits", data=png(90), content_type="image/png")
    as_bytes = gateway.post("/predict/digits", data=png(90), content_type="application/octet-stream")
    for reply in (as_text, as_file, as_body, as_bytes):
        assert reply.get_json() == {"model": "digits", "version": 1, "predictions": expected}


def test_each_file_is_an_instance(gateway: FlaskClient) -> None:
    shades = (3, 10, 91)
    files = {"image": [(io.BytesIO(png(shade)), f"{shade}.png") for shade in shades]}
    reply = gateway.post("/predict/digits", data=files)
    assert [answer["label"] for answer in reply.get_json()["predictions"]] == ["5", "8", "7"]


@pytest.mark.parametrize("model", ["sentiment", "house_price"])
@pytest.mark.parametrize("media", ["image/png", "application/octet-stream", "multipart/form-data; boundary=x", ""])
def test_other_models_take_json_only(gateway: FlaskClient, model: str, media: str) -> None:
    told = problem(gateway.post(f"/predict/{model}", data=b"x", content_type=media))
    assert (told["status"], told["code"], told["model"]) == (415, "unsupported_media_type", model)
    assert told["detail"].startswith("expected Content-Type application/json, got")


def test_media_that_an_image_model_takes_are_listed(gateway: FlaskClient) -> None:
    told = problem(gateway.post("/predict/digits", data="x", content_type="text/plain"))
    assert told["detail"] == (
        "expected Content-Type application/json, multipart/form-data, image/* or application/octet-stream, "
        "got 'text/plain'"
    )


@pytest.mark.parametrize(("encoding", "compress"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_a_compressed_body_is_unpacked_within_the_limit(
    gateway: FlaskClient, encoding: str, compress: Callable[[bytes], bytes]
) -> None:
    def ask(body: bytes) -> Any:
        headers = {"Content-Encoding": encoding}
        return gateway.post("/predict/sentiment", data=body, content_type=JSON, headers=headers)

    whole = compress(b'{"text": "a good film"}')
    assert ask(whole).get_json()["predictions"] == [GOOD]
    assert problem(ask(whole[:-9]))["detail"] == "the compressed body is truncated"
    assert problem(ask(b"{}"))["detail"] == "expected a body compressed as Content-Encoding says, got another"
    assert problem(ask(compress(b'{"text": "%s"}' % (b"x" * 30_000))))["status"] == 413


def test_another_content_encoding_is_not_taken(gateway: FlaskClient) -> None:
    reply = gateway.post("/predict/sentiment", data=b"x", content_type=JSON, headers={"Content-Encoding": "br"})
    assert problem(reply)["detail"] == "expected Content-Encoding gzip or deflate, got 'br'"
    file = {"image": (io.BytesIO(png(1)), "a.png")}
    assert gateway.post("/predict/digits", data=file, headers={"Content-Encoding": "gzip"}).status_code == 415


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"", "the body is not JSON"),
        (b'{"text": ', "the body is not JSON: unexpected end of data at line 1, column 10"),
        (b'{\n "text": "a",\n}', "line 2, column 13"),
        (b'{"text": "\xe9"}', "the body is not JSON: byte 10 is not UTF-8"),
        (b'{"rooms": NaN}', "line 1, column 11"),
        (b'{"rooms": 1e999}', "line 1, column 11"),
        (b'"text"', "expected one instance as a JSON object"),
        (b"[]", "got an array"),
        (b"null", "got null"),
        (b"true", "got a boolean"),
        (b"12", "got a number"),
        (b'{"instances": {}}', "got an object as 'instances'"),
        (b'{"instances": []}', "expected at least one instance, got none"),
        (b'{"instances": [], "version": 3}', "expected only 'instances', got also 'version'"),
    ],
)
def test_a_body_that_is_not_right_is_explained(gateway: FlaskClient, body: bytes, detail: str) -> None:
    told = problem(gateway.post("/predict/sentiment", data=body, content_type=JSON))
    assert (told["status"], told["code"]) == (400, "malformed_request")
    assert detail in told["detail"]


def test_a_form_without_files_has_no_instances(gateway: FlaskClient) -> None:
    reply = gateway.post("/predict/digits", data={"image": "text"}, content_type="multipart/form-data")
    assert problem(reply)["detail"] == "expected at least one instance, got none"


@pytest.mark.parametrize(
    ("model", "instances", "place"),
    [
        ("sentiment", [TEXT, {}], {"index": 1, "field": "text"}),
        ("sentiment", [{"text": 5}], {"index": 0, "field": "text"}),
        ("sentiment", [TEXT, {"text": "x", "extra": 1}], {"index": 1, "field": "extra"}),
        ("sentiment", ["bare text"], {"index": 0, "field": ""}),
        ("house_price", [HOUSE, HOUSE, {"rooms": 1}], {"index": 2, "field": "age"}),
        ("digits", [{"image": "!"}], {"index": 0, "field": "image"}),
    ],
)
def test_an_instance_that_is_not_right_is_named(
    gateway: FlaskClient, model: str, instances: list[Any], place: dict[str, Any]
) -> None:
    told = problem(gateway.post(f"/predict/{model}", json={"instances": instances}))
    assert (told["status"], told["code"], told["model"]) == (422, "invalid_instance", model)
    (error,) = told["errors"]
    assert {name: error[name] for name in place} == place
    assert error["pointer"] == "/instances/" + "/".join(str(value) for value in place.values() if value != "")
    assert told["detail"] == f"{model}: instance {place['index']}" + (
        f", field '{place['field']}': {error['detail']}" if place["field"] else f": {error['detail']}"
    )


def test_all_errors_of_a_request_are_told_at_once_each_with_its_place(gateway: FlaskClient) -> None:
    houses = [{"rooms": "six", "a/b~c": 1}, HOUSE, {"rooms": None, "age": 1e31}]
    told = problem(gateway.post("/predict/house_price", json={"instances": houses}))
    assert [(error["pointer"], error["detail"]) for error in told["errors"]] == [
        ("/instances/0/a~1b~0c", "expected only rooms, age, got this field"),
        ("/instances/0/rooms", "expected a number, got 'six'"),
        ("/instances/0/age", "expected a number, got nothing"),
        ("/instances/2/rooms", "expected a number, got nothing"),
        ("/instances/2/age", "expected a finite number of at most 1e+30 in size, got 1e+31"),
    ]
    assert told["error_count"] == 5
    assert told["detail"].endswith("got this field (the first of 5 errors)")


def test_the_errors_told_are_bounded_and_the_others_counted(gateway: FlaskClient) -> None:
    told = problem(gateway.post("/predict/house_price", json={"instances": [{str(n): n for n in range(100)}, {}]}))
    assert len(told["errors"]) == 20
    assert told["error_count"] == 104


def test_a_lone_instance_has_its_pointers_from_the_root(gateway: FlaskClient) -> None:
    told = problem(gateway.post("/predict/sentiment", json={"text": ""}))
    assert told["errors"][0]["pointer"] == "/text"


@pytest.mark.parametrize(
    ("model", "instance", "detail"),
    [
        ("sentiment", {"text": "x" * 101}, "expected at most 100 characters, got 101"),
        ("sentiment", {"text": " \t\r\n"}, "expected a string that is not empty, got ' \\t\\r\\n'"),
        ("digits", {"image": base64.b64encode(png(0, (99, 100))).decode()}, "expected at most 900 pixels, got 99x100"),
        ("digits", {"image": "A" * 2800}, "expected a file of at most 2,000 bytes, got 2,100"),
    ],
)
def test_the_limits_of_an_instance_are_kept_and_told(
    settings: Settings, model: str, instance: dict[str, str], detail: str
) -> None:
    app = create_app(dataclasses.replace(settings, max_text_characters=100, max_image_pixels=900, max_image_bytes=2000))
    told = problem(app.test_client().post(f"/predict/{model}", json=instance))
    assert (told["status"], [error["detail"] for error in told["errors"]]) == (422, [detail])
    schema = app.test_client().get(f"/models/{model}").get_json()["instance"]["schema"]
    assert schema["properties"][next(iter(instance))]["maxLength"] == {"sentiment": 100, "digits": 2668}[model]
    close_app(app)


def test_json_may_be_nested_so_deep_and_no_deeper(settings: Settings) -> None:
    app = create_app(dataclasses.replace(settings, max_json_depth=3))
    deep = problem(app.test_client().post("/predict/sentiment", json={"instances": [{"text": []}]}))
    assert (deep["status"], deep["detail"]) == (400, "expected JSON nested at most 3 deep, got deeper")
    assert app.test_client().post("/predict/sentiment", json={"instances": [{"text": "[[[[{"}]}).status_code == 200
    close_app(app)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_what_is_no_number_in_json_is_malformed(gateway: FlaskClient, number: str) -> None:
    body = b'{"rooms": %s, "age": 1}' % number.encode()
    told = problem(gateway.post("/predict/house_price", data=body, content_type=JSON))
    assert (told["status"], told["code"]) == (400, "malformed_request")


def test_a_file_that_is_no_picture_is_named(gateway: FlaskClient) -> None:
    files = {"image": [(io.BytesIO(png(1)), "a.png"), (io.BytesIO(b"%PDF-1.7"), "b.pdf")]}
    told = problem(gateway.post("/predict/digits", data=files))
    (error,) = told["errors"]
    assert (told["status"], error["index"], error["field"]) == (422, 1, "image")
    assert "pointer" not in error


def test_limits_are_kept(gateway: FlaskClient) -> None:
    too_many = problem(gateway.post("/predict/sentiment", json={"instances": [TEXT] * (MAX_INSTANCES + 1)}))
    assert (too_many["status"], too_many["code"]) == (413, "too_large")
    assert too_many["detail"] == "expected at most 4 instances (MAX_INSTANCES), got 5"
    too_large = problem(gateway.post("/predict/sentiment", json={"text": "x" * MAX_BODY_BYTES}))
    assert (too_large["status"], too_large["code"]) == (413, "too_large")
    assert gateway.post("/predict/sentiment", json={"instances": [TEXT] * 4}).status_code == 200


@pytest.mark.parametrize("count", [5, 6, 20])
def test_too_many_files_are_too_large(gateway: FlaskClient, count: int) -> None:
    files = {"image": [(io.BytesIO(png(1)), "a.png") for _ in range(count)]}
    told = problem(gateway.post("/predict/digits", data=files))
    assert (told["status"], told["code"]) == (413, "too_large")


@pytest.mark.parametrize("model", ["zebra", "Sentiment", "%F0%9F%A6%93", "a" * 3000])
def test_an_unknown_model_is_404(gateway: FlaskClient, model: str) -> None:
    told = problem(gateway.post(f"/predict/{model}", json=TEXT))
    assert (told["status"], told["code"]) == (404, "unknown_model")
    assert "this gateway serves sentiment, house_price, digits" in told["detail"]
    assert "model" not in told


@pytest.mark.parametrize(
    ("code", "status", "name"),
    [
        (grpc.StatusCode.RESOURCE_EXHAUSTED, 503, "model_server_overloaded"),
        (grpc.StatusCode.UNAVAILABLE, 503, "model_server_unavailable"),
        (grpc.StatusCode.CANCELLED, 503, "model_server_unavailable"),
        (grpc.StatusCode.INTERNAL, 502, "model_server_error"),
        (grpc.StatusCode.INVALID_ARGUMENT, 502, "model_server_error"),
    ],
)
def test_failures_of_the_model_server_are_told(
    gateway: FlaskClient, model_server: FakeModelServer, code: grpc.StatusCode, status: int, name: str
) -> None:
    model_server.failure = (code, "told by the server")
    reply = gateway.post("/predict/sentiment", json=TEXT)
    told = problem(reply)
    assert (told["status"], told["code"], told["model"]) == (status, name, "sentiment")
    assert ("Retry-After" in reply.headers) == (status == 503)


def test_a_slow_model_server_is_a_504(settings: Settings, model_server: FakeModelServer) -> None:
    app = create_app(dataclasses.replace(settings, deadline_seconds=0.1))
    wait_until(lambda: app.test_client().get("/readyz").status_code == 200)
    model_server.delay_seconds = 0.3
    told = problem(app.test_client().post("/predict/sentiment", json=TEXT))
    assert (told["status"], told["code"]) == (504, "model_server_timeout")
    close_app(app)


def test_a_stopped_model_server_is_a_503_at_once_and_is_found_again(
    gateway: FlaskClient, model_server: FakeModelServer
) -> None:
    model_server.stop()
    for _ in range(3):
        start = time.monotonic()
        reply = gateway.post("/predict/sentiment", json=TEXT)
        assert time.monotonic() - start < 1
        assert problem(reply)["code"] == "model_server_unavailable"
        assert reply.headers["Retry-After"] == "1"
    wait_until(lambda: gateway.get("/readyz").status_code == 503)
    time.sleep(1)
    model_server.start()
    assert wait_until(lambda: gateway.post("/predict/sentiment", json=TEXT).status_code == 200) < 1.5
    wait_until(lambda: gateway.get("/readyz").status_code == 200)


def test_a_model_whose_parity_fails_is_not_served_while_others_are(
    gateway: FlaskClient, model_server: FakeModelServer
) -> None:
    model_server.publish(text_contract(), 2, weights=1)
    model_server.withdraw("sentiment", 1)
    wait_until(lambda: gateway.get("/v2/models/sentiment/ready").status_code == 503)
    told = problem(gateway.post("/predict/sentiment", json=TEXT))
    assert (told["status"], told["code"]) == (503, "model_not_ready")
    assert "version 2 was not admitted: parity example 0: scores are off" in told["detail"]
    assert gateway.post("/predict/house_price", json=HOUSE).status_code == 200


def test_a_roll_over_under_load_loses_no_request(gateway: FlaskClient, model_server: FakeModelServer) -> None:
    rolling, wrong = threading.Event(), []

    def ask() -> None:
        client = gateway.application.test_client()
        while not rolling.is_set():
            reply = client.post("/predict/sentiment", json=TEXT)
            told = reply.get_json()
            if reply.status_code != 200:
                wrong.append(told)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for version in range(2, 6):
        model_server.publish(text_contract(weights=version), version, weights=version)
        model_server.withdraw("sentiment", version - 1)
        time.sleep(0.15)
    rolling.set()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert gateway.post("/predict/sentiment", json=TEXT).get_json()["version"] == 5
