"""Versions, labels, canaries, deadlines and limits, as a caller meets them."""

import dataclasses
import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from serving.gateway.app import close_app, create_app
from serving.gateway.settings import Settings
from tests.serving.contracts import answers, text_contract
from tests.serving.fake_model_server import FakeModelServer, in_a_process, wait_until
from tests.serving.gateway.problem_details import problem

TEXT = {"text": "a good film"}


@contextmanager
def gateway_with(settings: Settings, **changes: Any) -> Iterator[FlaskClient]:
    app = create_app(dataclasses.replace(settings, **changes))
    client = app.test_client()
    wait_until(lambda: client.get("/readyz").status_code == 200)
    yield client
    close_app(app)


@pytest.fixture
def versions(model_server: FakeModelServer, settings: Settings) -> dict[int, Any]:
    """Versions 1 to 3 of `sentiment`, each with other answers."""
    for version in (1, 2, 3):
        model_server.publish(text_contract(weights=version), version, weights=version)
    return {version: answers(text_contract(), [TEXT], version) for version in (1, 2, 3)}


def test_a_version_can_be_named(gateway: FlaskClient, versions: dict[int, Any]) -> None:
    for version, expected in versions.items():
        told = gateway.post(f"/predict/sentiment?version={version}", json=TEXT).get_json()
        assert told == {"model": "sentiment", "version": version, "predictions": expected}
    told = problem(gateway.post("/predict/sentiment?version=9", json=TEXT))
    assert (told["status"], told["code"]) == (404, "unknown_version")


def test_a_label_can_be_named(gateway: FlaskClient, versions: dict[int, Any], model_server: FakeModelServer) -> None:
    model_server.labels |= {("sentiment", "stable"): 2, ("sentiment", "next"): 3}
    for label, version in (("stable", 2), ("next", 3)):
        told = gateway.post(f"/predict/sentiment?label={label}", json=TEXT).get_json()
        assert told == {"model": "sentiment", "version": version, "predictions": versions[version]}
    told = problem(gateway.post("/predict/sentiment?label=nope", json=TEXT))
    assert (told["status"], told["code"]) == (404, "unknown_label")
    assert "under label 'nope'" in told["detail"]


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ("version=", "expected a whole number as 'version' in the query, got ''"),
        ("version=two", "got 'two'"),
        ("version=-1", "got '-1'"),
        ("version=1.0", "got '1.0'"),
        ("version=9223372036854775808", "got '9223372036854775808'"),
        ("version=%D9%A2", "expected a whole number"),  # an Arabic two
        ("label=", "expected 1 to 100 characters as 'label' in the query, got 0"),
        (f"label={'a' * 101}", "got 101"),
        ("version=1&label=a", "expected 'version' or 'label' in the query, got both"),
        ("verson=3", "expected only version, label in the query, got 'verson'"),
        ("version=1&Label=a", "got 'Label'"),
        ("method=occlusion", "got 'method'"),
    ],
)
def test_a_query_that_is_not_right_is_explained(gateway: FlaskClient, query: str, detail: str) -> None:
    told = problem(gateway.post(f"/predict/sentiment?{query}", json=TEXT))
    assert (told["status"], told["code"], told["model"]) == (400, "malformed_request", "sentiment")
    assert detail in told["detail"]


def test_protocols_of_others_take_any_parameter(gateway: FlaskClient) -> None:
    tensor = {"name": "text", "datatype": "BYTES", "shape": [1], "data": ["a good film"]}

    replies = [
        gateway.post("/v1/models/sentiment:predict?verson=3", json={"instances": [TEXT]}),
        gateway.post("/v2/models/sentiment/infer?verson=3", json={"inputs": [tensor]}),
    ]

    assert [reply.status_code for reply in replies] == [200, 200]


@pytest.mark.parametrize("seconds", ["", "soon", "0", "-1", "nan", "inf", "1s", "1e999"])
def test_a_deadline_that_is_not_right_is_explained(gateway: FlaskClient, seconds: str) -> None:
    reply = gateway.post("/predict/sentiment", json=TEXT, headers={"X-Request-Timeout": seconds})
    told = problem(reply)
    assert (told["status"], told["code"]) == (400, "malformed_request")
    assert told["detail"].startswith("expected X-Request-Timeout in seconds, more than 0, such as 0.5, got ")


@pytest.mark.parametrize(("asked", "setting"), [("0.3", 5.0), ("60", 0.3)])
def test_the_shorter_deadline_holds_up_to_the_model_server(
    settings: Settings, model_server: FakeModelServer, asked: str, setting: float
) -> None:
    with gateway_with(settings, deadline_seconds=setting) as gateway:
        model_server.delay_seconds = 1.5
        model_server.deadlines.clear()
        start = time.monotonic()
        reply = gateway.post("/predict/sentiment", json=TEXT, headers={"X-Request-Timeout": asked})
        assert time.monotonic() - start < 1.4
        told = problem(reply)
        assert (told["status"], told["code"]) == (504, "model_server_timeout")
        wait_until(lambda: bool(model_server.deadlines))
        assert 0 < model_server.deadlines[-1] < 0.35  # gRPC rounds up


def test_a_canary_gets_its_share_and_metrics_tell_the_versions_apart(
    settings: Settings, versions: dict[int, Any]
) -> None:
    with gateway_with(settings, canary={"sentiment": {3: 30.0}}) as gateway:
        told = [gateway.post("/predict/sentiment", json=TEXT).get_json() for _ in range(200)]
        assert all(reply["predictions"] == versions[reply["version"]] for reply in told)
        counts = Counter(reply["version"] for reply in told)
        assert counts.keys() == {2, 3}
        assert 25 <= counts[3] <= 100
        metrics = gateway.get("/metrics").text
        for version, count in counts.items():
            assert (
                f'plumbline_gateway_request_seconds_count{{model="sentiment",version="{version}"}} {count}.0' in metrics
            )
        assert 'plumbline_gateway_canary_ratio{model="sentiment",version="3"} 0.3' in metrics
        assert 'plumbline_gateway_live_version{model="sentiment"} 2.0' in metrics
        assert 'plumbline_gateway_desired_version{model="sentiment"} 2.0' in metrics


def test_a_version_that_fails_is_counted(
    gateway: FlaskClient, versions: dict[int, Any], model_server: FakeModelServer
) -> None:
    assert gateway.post("/predict/sentiment?version=3", json=TEXT).status_code == 200
    model_server.publish(text_contract(weights=3), 3, model=lambda features: features["ids"][:, :1] * float("nan"))
    assert gateway.post("/predict/sentiment?version=3", json=TEXT).status_code == 502
    metrics = gateway.get("/metrics").text
    assert 'plumbline_gateway_requests_total{code="502",model="sentiment",version="3"} 1.0' in metrics


def test_a_roll_back_is_followed_within_one_poll(
    settings: Settings, versions: dict[int, Any], model_server: FakeModelServer
) -> None:
    with gateway_with(settings, refresh_seconds=1) as gateway:
        assert gateway.post("/predict/sentiment", json=TEXT).get_json()["version"] == 3
        model_server.withdraw("sentiment", 3)
        live = lambda: gateway.get("/models/sentiment").get_json()["versions"]  # noqa: E731
        assert wait_until(lambda: live() == [2, 1]) < 2
        assert gateway.post("/predict/sentiment", json=TEXT).get_json()["version"] == 2


def test_when_the_queue_is_full_callers_are_told_to_come_back(
    settings: Settings, model_server: FakeModelServer
) -> None:
    with gateway_with(settings, max_concurrency=2, max_queue=1, deadline_seconds=60.0) as gateway:
        model_server.delay_seconds = 10.0
        replies: list[TestResponse] = []

        def ask(_: int) -> None:
            replies.append(gateway.application.test_client().post("/predict/sentiment", json=TEXT))

        with ThreadPoolExecutor(8) as pool:
            asked = pool.map(ask, range(8))
            wait_until(lambda: len(replies) == 5)
            time.sleep(0.3)
            model_server.hurry.set()
            list(asked)
        assert Counter(reply.status_code for reply in replies) == {200: 3, 429: 5}
        refused = next(reply for reply in replies if reply.status_code == 429)
        assert refused.headers["Retry-After"] == "1"
        assert problem(refused)["code"] == "overloaded"
        assert gateway.post("/predict/house_price", json={"rooms": 6.5, "age": 40}).status_code == 200
        metrics = gateway.get("/metrics").text
        assert 'plumbline_gateway_requests_total{code="429",model="sentiment",version="none"} 5.0' in metrics
        assert 'plumbline_gateway_shed_requests_total{model="sentiment"} 5.0' in metrics
        assert 'plumbline_gateway_queued_requests{model="sentiment"} 0.0' in metrics
        waited = 'plumbline_gateway_stage_seconds_sum{model="sentiment",stage="queue"} '
        assert float(metrics.split(waited)[1].split()[0]) > 0.2


@pytest.mark.parametrize("rows", [64, 1])
def test_a_model_server_that_hangs_holds_no_request_beyond_its_deadline(settings: Settings, rows: int) -> None:
    with in_a_process() as (address, process):
        changes = {"model_server": address, "models": ("sentiment",), "deadline_seconds": 1.0, "max_batch_rows": rows}
        with gateway_with(settings, **changes) as gateway, ThreadPoolExecutor(8) as pool:
            os.kill(process.pid, signal.SIGSTOP)
            wait_until(lambda: _has_stopped(process.pid))
            start = time.monotonic()
            clients = [gateway.application.test_client() for _ in range(8)]
            replies = list(pool.map(lambda client: client.post("/predict/sentiment", json=TEXT), clients))
            assert time.monotonic() - start < 10
            assert {reply.status_code for reply in replies} <= {503, 504}
            os.kill(process.pid, signal.SIGCONT)
            wait_until(lambda: gateway.post("/predict/sentiment", json=TEXT).status_code == 200)
            wait_until(lambda: gateway.get("/readyz").status_code == 200)


def _has_stopped(pid: int) -> bool:
    """Tell whether no thread runs any more: a signal takes a moment to reach them all."""
    stats = [(thread / "stat").read_text() for thread in Path(f"/proc/{pid}/task").iterdir()]
    return all(stat.rpartition(")")[2].split()[0] == "T" for stat in stats)


@pytest.mark.parametrize(("rows", "merges"), [(64, True), (1, False)])
def test_requests_that_wait_share_calls_unless_that_is_turned_off(
    settings: Settings, model_server: FakeModelServer, rows: int, merges: bool
) -> None:
    with gateway_with(settings, max_batch_rows=rows) as gateway:
        model_server.delay_seconds = 0.02
        model_server.rows.clear()

        def ask(number: int) -> bool:
            text = {"text": "good " * (number % 7 + 1) + "film"}
            reply = gateway.application.test_client().post("/predict/sentiment", json=text)
            return bool(reply.get_json()["predictions"] == answers(text_contract(), [text]))

        with ThreadPoolExecutor(8) as pool:
            assert all(pool.map(ask, range(64)))
        assert sum(model_server.rows) == 64
        assert (len(model_server.rows) < 32) == merges
        assert ("batch_requests_count" in gateway.get("/metrics").text) == merges
