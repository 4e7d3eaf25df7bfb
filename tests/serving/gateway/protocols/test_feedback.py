"""POST /feedback/<model>, in a gateway, and in two workers of gunicorn that are killed."""

import contextlib
import json
import os
import signal
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from serving.captures import parts_in, read_part
from serving.contract import Answers
from serving.contract.heads import Labels
from serving.gateway.app import close_app, create_app
from serving.gateway.middleware.key_file import make_key
from serving.gateway.settings import Settings
from serving.truth.feedback import Feedback
from serving.truth.following import Follower
from tests.serving.contracts import text_contract
from tests.serving.fake_model_server import FakeModelServer, wait_until
from tests.serving.gateway.problem_details import problem
from tests.serving.gateway.test_serve import Running

ITEM = {"request_id": "a-1", "index": 0, "truth": "positive"}
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    return replace(settings, capture=str(tmp_path / "captures"), max_instances=3)


def kept(folder: Path, model: str = "sentiment") -> list[tuple[str, int, Any]]:
    found = [
        read
        for path, _ in parts_in(str(folder), model, "feedback")
        for read in read_part(str(folder), path, Feedback.from_json)
    ]
    return sorted((it.request_id, it.index, it.truth) for it in found)


def told(gateway: FlaskClient, body: Any, model: str = "sentiment") -> dict[str, Any]:
    """The problem that the reply is."""
    return problem(gateway.post(f"/feedback/{model}", json=body))


def test_one_item_or_many_are_kept(gateway: FlaskClient, settings: Settings) -> None:
    one = gateway.post("/feedback/sentiment", json=ITEM)
    more = [{"request_id": "a-2", "truth": "negative"}, {**ITEM, "index": 1, "version": 1}]
    many = gateway.post("/feedback/sentiment", json={"feedback": more})
    price = gateway.post("/feedback/house_price", json={**ITEM, "truth": 24.5})
    close_app(gateway.application)

    assert (one.status_code, one.get_json()) == (202, {"model": "sentiment", "accepted": 1})
    assert (many.status_code, many.get_json()["accepted"], price.status_code) == (202, 2, 202)
    assert kept(Path(settings.capture)) == [("a-1", 0, "positive"), ("a-1", 1, "positive"), ("a-2", 0, "negative")]
    assert kept(Path(settings.capture), "house_price") == [("a-1", 0, 24.5)]


def test_a_truth_finds_the_answer_of_any_protocol(gateway: FlaskClient, settings: Settings) -> None:
    text = "a good film"
    asked = {
        "/predict/sentiment": {"instances": [{"text": text}] * 2},
        "/v1/models/sentiment:predict": {"instances": [text, text]},
        "/v2/models/sentiment/infer": {
            "inputs": [{"name": "text", "datatype": "BYTES", "shape": [2], "data": [text, text]}]
        },
    }
    for number, (path, body) in enumerate(asked.items()):
        reply = gateway.post(path, json=body, headers={"X-Request-ID": f"r-{number}"})
        item = {"request_id": reply.headers["X-Request-ID"], "index": 1, "truth": "positive"}
        assert (reply.status_code, gateway.post("/feedback/sentiment", json=item).status_code) == (200, 202)
    close_app(gateway.application)

    follower = Follower(settings.capture, "sentiment", timedelta(hours=1))
    report = follower.look()
    follower.close()
    (version,) = report.versions

    assert (version.answers, version.known, report.unknown) == (6, 3, 0)
    assert [(measure.name, measure.value) for measure in version.measures] == [("accuracy", 1.0)]


def test_all_that_is_wrong_is_told_with_its_place(gateway: FlaskClient, settings: Settings) -> None:
    wrong = [{"request_id": "a 1", "truth": "great"}, {"index": -1, "truth": "positive", "note": ""}, 7]
    reply = told(gateway, {"feedback": wrong})
    close_app(gateway.application)

    assert (reply["status"], reply["code"], reply["error_count"]) == (422, "invalid_feedback", 6)
    assert reply["detail"].startswith(
        "sentiment: item 0, field 'request_id': expected the X-Request-ID of a prediction"
    )
    assert [(each["pointer"], each["detail"]) for each in reply["errors"]] == [
        ("/feedback/0/request_id", "expected the X-Request-ID of a prediction, got 'a 1'"),
        ("/feedback/0/truth", "expected one of negative, positive, got 'great'"),
        ("/feedback/1/note", "expected no member but request_id, index, truth, version, got one"),
        ("/feedback/1/request_id", "expected the X-Request-ID of a prediction, got nothing"),
        ("/feedback/1/index", "expected the number of an instance in its request, from 0, got -1"),
        ("/feedback/2", "expected an object, got a number"),
    ]
    assert kept(Path(settings.capture)) == []


@pytest.mark.parametrize(
    ("body", "status", "detail"),
    [
        ([], 400, 'expected an object such as {"feedback": [{'),
        ({"feedback": []}, 400, "expected at least one item of feedback, got none"),
        (
            {"feedback": ITEM},
            400,
            'expected {"feedback": [{"request_id": "...", "index": 0, "truth": ...}, ...]}, or one',
        ),
        ({"feedback": [ITEM] * 4}, 413, "expected at most 3 items (MAX_INSTANCES), got 4"),
        ({**ITEM, "truth": 1}, 422, "sentiment: item 0, field 'truth': expected one of negative, positive, got 1"),
    ],
)
def test_another_body_is_refused(gateway: FlaskClient, body: Any, status: int, detail: str) -> None:
    reply = told(gateway, body)

    assert reply["status"] == status
    assert reply["detail"].startswith(detail)


def test_a_truth_is_checked_by_the_version_that_answered_if_it_is_known(
    gateway: FlaskClient, model_server: FakeModelServer
) -> None:
    model_server.publish(replace(text_contract(), answers=Answers.single(Labels(("bad", "good"), top=2))), 2)
    wait_until(lambda: gateway.get("/models/sentiment").get_json()["versions"] == [2, 1])

    statuses = [
        gateway.post("/feedback/sentiment", json={**ITEM, "truth": truth, **version}).status_code
        for truth in ("positive", "good")
        for version in ({}, {"version": 1}, {"version": 2}, {"version": 9})
    ]

    assert statuses == [202, 202, 422, 202, 202, 422, 202, 202]


def test_other_media_methods_queries_and_models_are_problems(gateway: FlaskClient) -> None:
    media = problem(gateway.post("/feedback/sentiment", data="{}"))
    unknown = told(gateway, ITEM, "zebra")
    method = problem(gateway.get("/feedback/sentiment"))
    query = problem(gateway.post("/feedback/sentiment?version=1", json=ITEM))

    assert query["detail"] == "expected no parameters in the query, got 'version'"
    assert (media["code"], unknown["code"], method["code"]) == (
        "unsupported_media_type",
        "unknown_model",
        "method_not_allowed",
    )


def test_without_captures_there_is_none_and_a_problem_says_what_it_needs(settings: Settings) -> None:
    app = create_app(replace(settings, capture=""))
    client = app.test_client()
    wait_until(lambda: client.get("/readyz").status_code == 200)

    reply = told(client, ITEM)

    assert (reply["status"], reply["code"]) == (404, "no_feedback")
    assert reply["detail"] == "sentiment: this gateway takes no feedback: it needs the setting CAPTURE, a folder or URL"
    assert not [path for path in client.get("/openapi.json").get_json()["paths"] if "feedback" in path]
    close_app(app)


def test_a_key_is_for_the_feedback_of_its_models(settings: Settings, tmp_path: Path) -> None:
    key, line = make_key("alice")
    (tmp_path / "keys").write_text(f"{line} models=house_price rate=3/hour\n")
    app = create_app(replace(settings, api_keys_file=tmp_path / "keys"))
    client = app.test_client()
    wait_until(lambda: client.get("/readyz").status_code == 200)

    asked = [("sentiment", ITEM), ("house_price", {**ITEM, "truth": 1}), ("house_price", {**ITEM, "truth": 1})] * 2
    replies = [client.post(f"/feedback/{model}", json=item, headers={"X-API-Key": key}) for model, item in asked]

    assert client.post("/feedback/house_price", json=ITEM).status_code == 401
    assert [reply.status_code for reply in replies[:4]] == [403, 202, 202, 429]
    close_app(app)


def test_requests_and_items_are_counted(gateway: FlaskClient) -> None:
    gateway.post("/feedback/sentiment", json={"feedback": [ITEM, ITEM]})
    gateway.post("/feedback/sentiment", json={**ITEM, "truth": "?"})
    gateway.post("/feedback/zebra", json=ITEM)

    numbers = gateway.get("/metrics").get_data(as_text=True)

    assert 'plumbline_gateway_feedback_requests_total{code="202",model="sentiment"} 1.0' in numbers
    assert 'plumbline_gateway_feedback_requests_total{code="422",model="sentiment"} 1.0' in numbers
    assert 'plumbline_gateway_feedback_requests_total{code="404",model="unknown"} 1.0' in numbers
    assert 'plumbline_gateway_feedback_items_total{model="sentiment"} 2.0' in numbers
    assert "plumbline_gateway_requests_total{" not in numbers  # those are predictions


@pytest.fixture
def running(model_server: FakeModelServer, tmp_path: Path) -> Iterator[Running]:
    model_server.publish(text_contract())
    (tmp_path / "metrics").mkdir()
    more = {"MODELS": "sentiment", "CAPTURE": str(tmp_path / "captures")}
    running = Running(model_server.address, tmp_path / "metrics", tmp_path / "log", **more)
    wait_until(running.ready)
    wait_until(lambda: len(running.workers()) == 2)
    yield running
    running.process.terminate()
    running.process.wait(30)


def test_what_was_accepted_is_kept_though_the_workers_are_killed_at_once(running: Running, tmp_path: Path) -> None:
    accepted: list[str] = []

    def tell(thread: int) -> None:
        for number in range(30):
            request_id = f"{thread}-{number}"
            try:
                body = json.dumps({"request_id": request_id, "truth": "positive"})
                status, _ = running.ask("POST", "/feedback/sentiment", body, **JSON)
            except OSError:
                continue  # its worker was just killed
            if status == 202:
                accepted.append(request_id)

    threads = [threading.Thread(target=tell, args=(thread,)) for thread in range(4)]
    for thread in threads:
        thread.start()
    wait_until(lambda: len(accepted) >= 20)
    for pid in running.workers():
        os.kill(pid, signal.SIGKILL)
    for thread in threads:
        thread.join()
    wait_until(lambda: len(running.workers()) >= 4)
    for pid in running.workers():
        with contextlib.suppress(ProcessLookupError):  # the first two have ended
            os.kill(pid, signal.SIGKILL)
    # Those that come in their place make parts of what they have left.
    wait_until(lambda: {request_id for request_id, _, _ in kept(tmp_path / "captures")} >= {*accepted}, 90)
    running.process.terminate()
    running.process.wait(30)

    assert len(accepted) >= 20
    assert [*(tmp_path / "captures").glob("sentiment/feedback/*/.*")] == []
