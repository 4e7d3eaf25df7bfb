"""The log as it leaves gunicorn."""

import base64
import io
import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from PIL import Image

from tests.serving.contracts import image_contract, text_contract
from tests.serving.fake_model_server import FakeModelServer, wait_until
from tests.serving.gateway.test_serve import TEXT, Running

JSON = {"Content-Type": "application/json"}
PAYLOAD = "zanzibar"  # stands in everything that is sent, and must stand nowhere in the log


@pytest.fixture
def options(request: pytest.FixtureRequest) -> dict[str, str]:
    return {"LOG_FORMAT": "json", "WORKERS": "1", **getattr(request, "param", {})}


@pytest.fixture
def running(model_server: FakeModelServer, options: dict[str, str], tmp_path: Path) -> Iterator[Running]:
    for contract in (text_contract(), image_contract()):
        model_server.publish(contract)
    running = Running(model_server.address, tmp_path, tmp_path / "log", **options)
    wait_until(running.ready)
    yield running
    running.process.terminate()
    running.process.wait(30)


def lines(running: Running) -> list[dict[str, Any]]:
    return [json.loads(line) for line in running.log.splitlines()]


def access(running: Running, count: int) -> list[dict[str, Any]]:
    def told() -> list[dict[str, Any]]:
        told = [line for line in lines(running) if line["logger"] == "plumbline.access"]
        return [line for line in told if line["message"] != "GET /readyz"]  # the test's own, until it is ready

    wait_until(lambda: len(told()) >= count)
    assert len(told()) == count
    return told()


def test_each_request_has_a_line_of_json(running: Running) -> None:
    running.ask("POST", "/predict/sentiment?version=1", TEXT, **JSON, **{"X-Request-ID": "mine"})
    running.ask("POST", "/v2/models/sentiment/infer", "{}", **{"X-Request-ID": "other"})
    running.ask("GET", "/nowhere%0Aelse?a=b", **{"X-Request-ID": "third"})
    # A line is written after the answer, so that of the next request may come before it.
    told = {line["request_id"]: line for line in access(running, 3)}
    first, second, third = told["mine"], told["other"], told["third"]
    assert first.pop("time").endswith("Z")
    assert 0 < first.pop("ms") < 10_000
    assert first.pop("pid") in [int(line["pid"]) for line in lines(running)]
    assert first == {
        "level": "info",
        "logger": "plumbline.access",
        "message": "POST /predict/sentiment",
        "status": 200,
        "request_id": "mine",
        "model": "sentiment",
        "version": 1,
    }
    assert (second["status"], second["model"]) == (400, "sentiment")
    assert "version" not in second
    assert (third["status"], third["message"]) == (404, "GET /nowhere%0Aelse")


def test_probes_have_a_line_only_when_they_fail(running: Running, model_server: FakeModelServer) -> None:
    for path in ("/healthz", "/readyz", "/metrics", "/v2/health/live", "/v2/health/ready"):
        assert running.ask("GET", path)[0] == 200
    model_server.stop()
    wait_until(lambda: running.ask("GET", "/readyz")[0] == 503)
    running.ask("GET", "/models")
    wait_until(lambda: "GET /models" in running.log)
    told = {(line["message"], line["status"]) for line in lines(running) if line["logger"] == "plumbline.access"}
    # It was not ready at first either.
    assert told == {("GET /readyz", 503), ("GET /models", 200)}


def test_gunicorn_and_what_goes_wrong_behind_are_told_in_the_same_form(
    running: Running, model_server: FakeModelServer
) -> None:
    model_server.failure = (grpc.StatusCode.INTERNAL, "broken")
    running.ask("POST", "/predict/sentiment", TEXT, **JSON, **{"X-Request-ID": "mine"})
    wait_until(lambda: "broken" in running.log)
    (warning,) = [line for line in lines(running) if line["level"] == "warning"]
    assert (warning["logger"], warning["request_id"]) == ("serving.gateway.problems", "mine")
    loggers = {line["logger"] for line in lines(running)}
    assert loggers >= {"gunicorn.error", "serving.catalog.change_log"}


def test_no_payload_is_in_the_log(running: Running, model_server: FakeModelServer) -> None:
    text = json.dumps({"text": PAYLOAD})
    rows = json.dumps({"instances": [PAYLOAD]})
    infer = json.dumps({"inputs": [{"name": "text", "datatype": "BYTES", "shape": [1], "data": [PAYLOAD]}]})

    def ask_all() -> list[int]:
        asked = [
            ("/predict/sentiment", text),
            ("/predict/sentiment", json.dumps({"text": [PAYLOAD], PAYLOAD: 1})),
            ("/predict/sentiment", PAYLOAD),
            ("/predict/digits", json.dumps({"image": PAYLOAD})),
            (f"/predict/sentiment?{PAYLOAD}={PAYLOAD}", text),
            (f"/v1/models/sentiment:predict?{PAYLOAD}={PAYLOAD}", rows),
            ("/v2/models/sentiment/infer", infer),
        ]
        return [running.ask("POST", path, body, **JSON, Cookie=PAYLOAD, Referer=PAYLOAD)[0] for path, body in asked]

    assert ask_all() == [200, 422, 400, 422, 400, 200, 200]
    model_server.failure = (grpc.StatusCode.INTERNAL, "broken")
    assert ask_all() == [502, 422, 400, 422, 400, 502, 502]
    model_server.failure = None
    model_server.answers_as = 7
    assert set(ask_all()) == {502, 422, 400}
    access(running, 21)
    assert PAYLOAD not in running.log


def test_what_pillow_warns_of_is_not_in_the_log(running: Running) -> None:
    large, turned = io.BytesIO(), io.BytesIO()
    Image.new("L", (1, 1)).save(large, "GIF")
    orientation = Image.Exif()
    orientation[274] = 6
    Image.new("L", (20, 10)).save(turned, "JPEG", exif=orientation)
    bomb = large.getvalue()[:6] + struct.pack("<HH", 10_000, 10_000) + large.getvalue()[10:]  # so it says
    broken = turned.getvalue().replace(b"MM\0*\0\0\0\x08\0\x01", b"MM\0*\0\0\0\x08\0\x09")  # eight entries lack
    bodies = [json.dumps({"image": base64.b64encode(each).decode()}) for each in (bomb, broken)]

    statuses = [running.ask("POST", "/predict/digits", body, **JSON)[0] for body in bodies]

    access(running, 2)
    assert broken != turned.getvalue()
    assert statuses == [422, 200]
    assert "Warning" not in running.log


@pytest.mark.parametrize("options", [{"LOG_FORMAT": "text"}], indirect=True)
def test_text_tells_the_same(running: Running) -> None:
    running.ask("POST", "/predict/sentiment", TEXT, **JSON, **{"X-Request-ID": "mine"})
    wait_until(lambda: "POST" in running.log)
    (line,) = [line for line in running.log.splitlines() if "POST" in line]
    told = line.partition("[INFO] POST /predict/sentiment ")[2].split()
    facts = dict(each.split("=") for each in told)
    assert float(facts.pop("ms")) > 0
    assert facts == {"status": "200", "request_id": "mine", "model": "sentiment", "version": "1"}
    assert any(" [INFO] Listening at: http" in line for line in running.log.splitlines())


@pytest.mark.parametrize("options", [{"ACCESS_LOG": "off"}], indirect=True)
def test_the_line_of_each_request_can_be_turned_off(running: Running) -> None:
    assert running.predict() == 200
    running.process.terminate()
    running.process.wait(30)
    assert "plumbline.access" not in running.log
    assert "POST" not in running.log
