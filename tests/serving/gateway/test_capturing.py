"""What a gateway with CAPTURE takes of requests, whichever protocol they come by."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from serving.captures import Capture, read_captures
from serving.captures.record import Failure
from serving.gateway.app import close_app, create_app
from serving.gateway.settings import Settings
from tests.serving.contracts import text_contract
from tests.serving.fake_model_server import FakeModelServer, wait_until

TEXT = {"text": "a good film"}

Ask = Callable[..., list[Capture]]


@pytest.fixture
def ask(settings: Settings, tmp_path: Path) -> Iterator[Ask]:
    """Send requests to a gateway with more settings; return what it captured of sentiment."""
    apps = []

    def asked(*requests: tuple[str, dict[str, Any]], model: str = "sentiment", **more: Any) -> list[Capture]:
        app = create_app(replace(settings, capture=str(tmp_path / "captures"), **more))
        apps.append(app)
        client: FlaskClient = app.test_client()
        wait_until(lambda: client.get("/readyz").status_code == 200)
        for path, body in requests:
            client.post(path, json=body, headers={"X-Request-ID": path})
        close_app(apps.pop())
        return list(read_captures(str(tmp_path / "captures"), model))

    yield asked
    for app in apps:
        close_app(app)


@pytest.fixture
def texts_are_kept(settings: Settings, model_server: FakeModelServer) -> None:
    model_server.publish(replace(text_contract(), capture={"text": "keep"}), 2)


@pytest.mark.usefixtures("texts_are_kept")
def test_every_protocol_is_captured_as_predict_has_it(ask: Ask):
    infer = {"inputs": [{"name": "text", "shape": [1], "datatype": "BYTES", "data": ["a good film"]}]}
    captures = ask(
        ("/predict/sentiment", TEXT),
        ("/v1/models/sentiment:predict", {"instances": [TEXT]}),
        ("/v2/models/sentiment/infer", infer),
    )

    assert [capture.request_id for capture in captures] == [
        "/predict/sentiment",
        "/v1/models/sentiment:predict",
        "/v2/models/sentiment/infer",
    ]
    for capture in captures:
        assert (capture.instance, capture.version, capture.index, capture.share) == (TEXT, 2, 0, 1.0)
        assert capture.answer == captures[0].answer
        assert capture.answer.keys() == {"label", "score", "scores"}


def test_texts_are_left_out_unless_the_task_allows_them(ask: Ask):
    (capture,) = ask(("/predict/sentiment", TEXT))

    assert capture.instance == {}
    assert capture.answer["label"] in ("negative", "positive")


def test_failed_requests_have_a_share_of_their_own(ask: Ask):
    wrong = {"rooms": "many", "age": 3.0}
    right = {"rooms": 5.0, "age": 3.0}
    requests = [("/predict/house_price", right), ("/predict/house_price", wrong), ("/predict/house_price", {})]
    captures = ask(*requests, model="house_price", capture_share={"*": 0.0}, capture_errors_share=1.0)

    assert [capture.instance for capture in captures] == [wrong, {}]
    assert captures[0].error == Failure(code="invalid_instance", detail="rooms: expected a number, got 'many'")
    assert (captures[0].status, captures[0].version, captures[0].answer) == (422, 1, None)


def test_low_scores_have_a_share_of_their_own(ask: Ask):
    requests = [("/predict/sentiment", {"text": text}) for text in ("a", "good", "bad", "very bad film", "film", "a a")]
    everything = ask(*requests)
    scores = sorted(capture.answer["score"] for capture in everything)
    low = ask(*requests, capture_share={"sentiment": 0.0}, capture_low_score=(scores[2], 1.0))

    assert len(everything) == 6
    assert sorted(capture.answer["score"] for capture in low[6:]) == scores[:2]


def test_a_model_has_a_share_of_its_own(ask: Ask):
    requests = [("/predict/sentiment", TEXT), ("/predict/house_price", {"rooms": 5.0, "age": 3.0})]

    assert ask(*requests, capture_share={"*": 1.0, "sentiment": 0.0}) == []
    assert len(ask(model="house_price")) == 1


def test_requests_that_name_nothing_known_are_not_captured(ask: Ask, tmp_path: Path):
    ask(("/predict/none", TEXT), ("/predict/sentiment?version=9", TEXT), ("/predict/sentiment", {"instances": []}))

    assert len(list(read_captures(str(tmp_path / "captures"), "none"))) == 0
    assert [capture.version for capture in read_captures(str(tmp_path / "captures"), "sentiment")] == [None]


def test_without_the_setting_there_is_no_thread(gateway: FlaskClient):
    gateway.post("/predict/sentiment", json=TEXT)

    assert "captures" not in [thread.name for thread in threading.enumerate()]
