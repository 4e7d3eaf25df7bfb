"""SHADOW, as callers and Prometheus meet it: over the application, and over gunicorn with two workers."""

import gzip
import json
import re
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from flask.testing import FlaskClient

from serving.canary.evidence import PairedAnswers
from serving.captures import SHADOWS, ShadowAnswer, parts_in, read_captures, read_part
from serving.contract.arrays import Array, Features
from serving.gateway.settings import Settings
from serving.rollout.captured_truth import CapturedTruth
from tests.serving.contracts import scores, text_contract
from tests.serving.fake_model_server import FakeModelServer, Refused, wait_until
from tests.serving.gateway.test_routing import gateway_with
from tests.serving.gateway.test_serve import Running

TEXT = {"text": "a good film"}
SHADOW = {"sentiment": {2: 100.0}}


@pytest.fixture
def finish() -> threading.Event:
    return threading.Event()


def publish(model_server: FakeModelServer, shadow: Callable[[Features], Array] | None = None) -> None:
    """Version 1, and version 2 which answers otherwise, or as *shadow* does."""
    model_server.publish(text_contract(weights=1), 1, weights=1)
    model_server.publish(text_contract(weights=2), 2, weights=2)
    if shadow:
        contract, run = model_server.versions["sentiment"][2]
        examples = text_contract(weights=2).features([{"text": "A very good film"}, {"text": "bad, very bad"}])
        is_admission = {name: array.tolist() for name, array in examples.items()}

        def asked(features: Features) -> Array:
            admitted = {name: array.tolist() for name, array in features.items()} == is_admission
            return run(features) if admitted else shadow(features)  # type: ignore[return-value]

        model_server.versions["sentiment"][2] = contract, asked


def counted(client: FlaskClient, name: str) -> dict[str, float]:
    """The values of a metric by the value of its last label in the order of the alphabet that is no version."""
    text = client.get("/metrics").get_data(as_text=True)
    found = re.findall(rf"^plumbline_gateway_shadow_{name}{{(.*)}} (\S+)$", text, re.M)
    return {labels: float(value) for labels, value in found}


def test_the_shadow_never_answers_but_is_compared(settings: Settings, model_server: FakeModelServer) -> None:
    publish(model_server)
    with gateway_with(settings, models=("sentiment",), shadow=SHADOW) as client:
        versions = [
            client.post("/predict/sentiment", json=TEXT, buffered=True).get_json()["version"] for _ in range(10)
        ]
        by_name = client.post("/predict/sentiment?version=2", json=TEXT, buffered=True).get_json()["version"]

        compared = 'model="sentiment",outcome="compared",version="2"'
        wait_until(lambda: counted(client, "requests_total")[compared] == 10)
        metrics = client.get("/metrics").get_data(as_text=True)

    assert (versions, by_name) == ([1] * 10, 2)
    assert 'requests_total{code="200",model="sentiment",version="1"} 10.0' in metrics
    assert 'requests_total{code="200",model="sentiment",version="2"} 1.0' in metrics  # that which named it
    assert 'shadow_instances_total{model="sentiment",version="2"} 10.0' in metrics
    assert 'shadow_disagreements_total{model="sentiment",version="2"} 10.0' in metrics
    assert 'shadow_distance_count{model="sentiment",version="2"} 10.0' in metrics
    assert 'shadow_seconds_count{by="shadow",model="sentiment",version="2"} 10.0' in metrics
    assert 'shadow_seconds_count{by="answered",model="sentiment",version="2"} 10.0' in metrics
    assert 'shadow_ratio{model="sentiment",version="2"} 1.0' in metrics
    assert 'rpcs_total{code="OK",method="Predict",model="sentiment"} 15.0' in metrics  # 4 of the admissions


def test_what_the_shadow_answered_to_captured_requests_is_kept_beside_them(
    settings: Settings, model_server: FakeModelServer, tmp_path: Path
) -> None:
    publish(model_server)
    place, model = str(tmp_path / "captures"), "sentiment"
    with gateway_with(settings, models=(model,), shadow=SHADOW, capture=place) as client:
        for name, body in (("one", TEXT), ("two", {"instances": [TEXT, TEXT]})):
            client.post(f"/predict/{model}", json=body, headers={"X-Request-ID": name}, buffered=True)
            client.post(f"/feedback/{model}", json={"request_id": name, "index": 0, "truth": "positive"})
        compared = 'model="sentiment",outcome="compared",version="2"'
        wait_until(lambda: counted(client, "requests_total")[compared] == 2)

    (part,) = parts_in(place, model, SHADOWS)
    answers = [*read_part(place, part[0], ShadowAnswer.from_json)]
    captures = [*read_captures(place, model)]
    assert [(it.request_id, it.index, it.version) for it in answers] == [("one", 0, 2), ("two", 0, 2), ("two", 1, 2)]
    assert [(it.request_id, it.index, it.version) for it in captures] == [("one", 0, 1), ("two", 0, 1), ("two", 1, 1)]
    assert {it.answer["label"] for it in answers} != {it.answer["label"] for it in captures}
    (pair,) = CapturedTruth(place, model).known(datetime.now(UTC) - timedelta(minutes=5)).pairs.items()
    assert pair in [((1, 2), PairedAnswers(2, *of_two)) for of_two in ((2.0, 0.0), (0.0, 2.0))]
    assert "film" not in gzip.decompress(Path(part[0]).read_bytes()).decode()


def test_shadows_of_requests_that_are_not_captured_are_not_kept(
    settings: Settings, model_server: FakeModelServer, tmp_path: Path
) -> None:
    publish(model_server)
    place = str(tmp_path / "captures")
    with gateway_with(
        settings, models=("sentiment",), shadow=SHADOW, capture=place, capture_share={"*": 0.0}
    ) as client:
        client.post("/predict/sentiment", json=TEXT, buffered=True)
        compared = 'model="sentiment",outcome="compared",version="2"'
        wait_until(lambda: counted(client, "requests_total")[compared] == 1)

    assert parts_in(place, "sentiment", SHADOWS) == []


@pytest.mark.parametrize("protocol", ["v1", "v2"])
def test_requests_of_every_protocol_are_shadowed(
    protocol: str, settings: Settings, model_server: FakeModelServer
) -> None:
    publish(model_server)
    tensor = {"name": "text", "datatype": "BYTES", "shape": [1], "data": ["a good film"]}
    path, body = {
        "v1": ("/v1/models/sentiment:predict", {"instances": [TEXT]}),
        "v2": ("/v2/models/sentiment/infer", {"inputs": [tensor]}),
    }[protocol]
    with gateway_with(settings, models=("sentiment",), shadow=SHADOW) as client:
        assert client.post(path, json=body, buffered=True).status_code == 200
        assert client.post(path, json={"instances": [{"text": 3}], "inputs": []}).status_code >= 400

        compared = 'model="sentiment",outcome="compared",version="2"'
        wait_until(lambda: counted(client, "requests_total")[compared] == 1)


@pytest.mark.parametrize("fault", ["hangs", "raises", "gives NaN", "is refused"])
def test_whatever_the_shadow_does_each_request_is_answered_as_without_it(
    fault: str, settings: Settings, model_server: FakeModelServer, finish: threading.Event
) -> None:
    def answer(features: Features) -> Array:
        if fault == "hangs":
            finish.wait(30)
        if fault == "is refused":
            raise Refused("no such tensor")
        if fault == "raises":
            raise ZeroDivisionError
        return np.full((1, 1), np.nan, np.float32)

    publish(model_server, answer)
    with gateway_with(settings, models=("sentiment",), shadow=SHADOW, deadline_seconds=1.0) as client:
        with ThreadPoolExecutor(4) as pool:
            app = client.application
            replies = list(
                pool.map(lambda _: app.test_client().post("/predict/sentiment", json=TEXT, buffered=True), range(40))
            )

        statuses = Counter((reply.status_code, reply.get_json()["version"]) for reply in replies)
        failed = 'model="sentiment",outcome="failed",version="2"'
        wait_until(lambda: counted(client, "requests_total")[failed] >= 1)
        assert counted(client, "instances_total") == {'model="sentiment",version="2"': 0.0}
        assert 'code="5' not in client.get("/metrics").get_data(as_text=True)
        finish.set()

    assert statuses == {(200, 1): 40}


def test_a_shadow_that_is_not_live_is_counted(settings: Settings, model_server: FakeModelServer) -> None:
    publish(model_server)
    with gateway_with(settings, models=("sentiment",), shadow={"sentiment": {7: 100.0}}) as client:
        assert client.post("/predict/sentiment", json=TEXT, buffered=True).get_json()["version"] == 2

        wait_until(lambda: counted(client, "dropped_total")['model="sentiment",reason="not_live",version="7"'] == 1)


def test_a_version_that_is_a_shadow_still_answers_where_there_is_no_other(
    settings: Settings, model_server: FakeModelServer
) -> None:
    model_server.publish(text_contract(), 2)
    model_server.withdraw("sentiment", 1)
    with gateway_with(settings, models=("sentiment",), shadow=SHADOW) as client:
        assert client.post("/predict/sentiment", json=TEXT, buffered=True).get_json()["version"] == 2


def test_two_workers_count_their_shadows_together(model_server: FakeModelServer, tmp_path: Path) -> None:
    def slow(features: Features) -> Array:
        finish.wait(0.05)
        return scores(features, 1, 2)

    finish = threading.Event()
    publish(model_server, slow)
    (tmp_path / "metrics").mkdir()
    running = Running(
        model_server.address, tmp_path / "metrics", tmp_path / "log", MODELS="sentiment", SHADOW="sentiment:2=100"
    )
    body, kind = json.dumps(TEXT), {"Content-Type": "application/json"}
    try:
        wait_until(running.ready)
        wait_until(lambda: len(running.workers()) == 2)
        with ThreadPoolExecutor(8) as pool:
            asked = list(pool.map(lambda _: running.ask("POST", "/predict/sentiment", body, **kind), range(200)))

        def fates() -> dict[str, float]:
            _, metrics = running.ask("GET", "/metrics")
            found = re.findall(r'shadow_(?:requests|dropped)_total{.*(?:outcome|reason)="(\w+)".*} (\S+)', metrics)
            return {fate: float(count) for fate, count in found}

        wait_until(lambda: sum(fates().values()) == 200)
    finally:
        running.process.terminate()
        running.process.wait(30)

    assert Counter((status, json.loads(text)["version"]) for status, text in asked) == {(200, 1): 200}
    assert "Traceback" not in running.log
