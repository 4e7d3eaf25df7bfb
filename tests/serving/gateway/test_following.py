"""A gateway that serves every model in a folder, while models come, change and go."""

import logging
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from serving.contract import Contract
from serving.gateway.app import close_app, create_app
from serving.gateway.settings import Settings
from serving.registry.progress import Progress
from tests.serving.contracts import tabular_contract
from tests.serving.fake_model_server import FakeModelServer, wait_until
from tests.serving.registry.folders import carry
from tests.serving.saved_models import write_saved_model
from tests.serving.test_every_kind import free_port

HOUSE = {"rooms": 5.0, "age": 30.0}
Start = Callable[..., FlaskClient]


def contract_of(model: str) -> Contract:
    return tabular_contract(model)


@pytest.fixture(scope="module")
def saved_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A version's folder, whose contract is to be replaced: all models compute the same."""
    folder = tmp_path_factory.mktemp("saved_model")
    write_saved_model(folder / "1", contract_of("any"), contract_of("any").to_json())
    return folder / "1"


@pytest.fixture
def models_dir(tmp_path: Path) -> Path:
    (tmp_path / "models").mkdir()
    return tmp_path / "models"


@pytest.fixture
def publish(saved_model: Path, models_dir: Path) -> Callable[..., Path]:
    """Publish a version as training does: it appears whole."""

    def publish(model: str, version: int = 1, document: str = "") -> Path:
        staged = Path(shutil.copytree(saved_model, models_dir / ".staging" / model))
        carry(staged, document or contract_of(model).to_json())
        target = models_dir / model / str(version)
        target.parent.mkdir(exist_ok=True)
        return staged.rename(target)

    return publish


@pytest.fixture
def start(models_dir: Path) -> Iterator[Start]:
    apps = []

    def start(**more: Any) -> FlaskClient:
        settings = {"models_dir": models_dir, "models": ("*",), "model_server": "", "refresh_seconds": 0.1}
        apps.append(create_app(Settings(**{**settings, **more})))
        return apps[-1].test_client()

    yield start
    for app in apps:
        close_app(app)


def answers(client: FlaskClient, model: str) -> bool:
    return client.post(f"/predict/{model}", json=HOUSE).status_code == 200


def listed(client: FlaskClient) -> dict[str, Any]:
    return {model["name"]: model for model in client.get("/models").get_json()["models"]}


def metrics(client: FlaskClient) -> str:
    return client.get("/metrics").get_data(as_text=True)


def is_ready(client: FlaskClient) -> bool:
    return client.get("/readyz").status_code == 200


def test_an_empty_folder_is_no_error_and_its_first_model_is_served(
    start: Start, publish: Callable[..., Path], models_dir: Path
) -> None:
    client = start()
    problem = f"there is no model yet in {models_dir}; publish one, for example with: plumbline train all"
    wait_until(lambda: client.get("/readyz").get_json().get("problem") == problem)
    assert client.get("/readyz").status_code == client.get("/v2/health/ready").status_code == 503
    assert client.get("/healthz").status_code == 200
    assert client.get("/models").get_json()["models"] == []
    assert client.get("/openapi.json").get_json()["components"]["schemas"]["Model"] == {"type": "string"}
    refused = client.post("/predict/first", json=HOUSE)
    assert (refused.status_code, refused.get_json()["code"]) == (404, "unknown_model")
    assert refused.get_json()["detail"] == "unknown model 'first'; this gateway serves no model yet"
    publish("first")
    assert answers(client, "first")  # at once, though no look has found it
    wait_until(lambda: is_ready(client))
    assert "problem" not in client.get("/readyz").get_json()


def test_a_model_that_comes_goes_and_comes_again_is_followed_everywhere(
    start: Start, publish: Callable[..., Path], models_dir: Path
) -> None:
    publish("old")
    client = start(grpc_port=free_port())
    wait_until(lambda: is_ready(client))
    publish("new")
    wait_until(lambda: listed(client).get("new", {}).get("ready"))
    assert is_ready(client)
    for path in ("/predict/new", "/v2/models/new/infer", "/v1/models/new:predict"):
        assert path in client.get("/openapi.json").get_json()["paths"]
    assert answers(client, "new")
    assert {it["name"] for it in client.get("/v2/models/stats").get_json()["model_stats"]} == {"new", "old"}
    assert 'plumbline_gateway_requests_total{code="200",model="new"' in metrics(client)
    publish("new", 2)
    wait_until(lambda: listed(client)["new"]["versions"] == [2, 1])

    shutil.rmtree(models_dir / "new")
    wait_until(lambda: "new" not in listed(client))
    assert is_ready(client)
    for path in ("/predict/new", "/v2/models/new/infer", "/v1/models/new:predict"):
        assert client.post(path, json=HOUSE).status_code == 404
    for path in ("/models/new", "/v2/models/new", "/v1/models/new", "/v2/models/new/ready"):
        assert client.get(path).status_code == 404
    assert "new" not in client.get("/readyz").get_json()["models"]
    assert "/predict/new" not in client.get("/openapi.json").get_json()["paths"]
    assert [it["name"] for it in client.post("/v2/repository/index").get_json()] == ["old"]
    assert 'model="new"' not in metrics(client)
    assert 'model="old"' in metrics(client)

    publish("new")
    wait_until(lambda: listed(client).get("new", {}).get("versions") == [1])
    assert answers(client, "new")
    wait_until(lambda: 'plumbline_gateway_model_ready{model="new"} 1.0' in metrics(client))


def test_a_renamed_model_answers_under_its_new_name_once_its_contract_says_so(
    start: Start, publish: Callable[..., Path], models_dir: Path
) -> None:
    publish("before")
    client = start()
    wait_until(lambda: is_ready(client))
    (models_dir / "before").rename(models_dir / "after")
    wait_until(lambda: "before" not in listed(client))
    assert "it is the contract of before" in listed(client)["after"]["problem"]
    carry(models_dir / "after" / "1", contract_of("after").to_json())
    wait_until(lambda: answers(client, "after"))


def test_a_model_that_is_published_anew_under_the_same_number_is_another(
    start: Start, publish: Callable[..., Path], models_dir: Path
) -> None:
    publish("house")
    client = start()
    wait_until(lambda: is_ready(client))
    assert client.get("/models/house").get_json()["provenance"]["recipe"] == "baseline"
    document = contract_of("house").to_json().replace('"recipe": "baseline"', '"recipe": "best"')
    shutil.rmtree(models_dir / "house")
    publish("house", 1, document)
    wait_until(lambda: client.get("/models/house").get_json().get("provenance", {}).get("recipe") == "best")
    assert answers(client, "house")


def test_what_can_not_be_served_is_named_once_and_neither_hides_nor_delays_the_others(
    start: Start, publish: Callable[..., Path], models_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    publish("good")
    (models_dir / "empty").mkdir()
    (models_dir / "dangling").symlink_to(models_dir / "nowhere")
    publish("other_name").parent.rename(models_dir / "Bad Name")
    (publish("graph") / "saved_model.pb").write_bytes(b"nothing")
    publish("lacking", 1, contract_of("lacking").to_json().replace('"kind": "number"', '"kind": "hologram"'))
    publish("skewed", 1, contract_of("skewed").to_json().replace("0.", "0.9"))
    os.mkfifo(publish("pipe") / "variables" / "pipe")
    client = start()
    wait_until(lambda: is_ready(client))
    assert answers(client, "good")

    def problems() -> dict[str, str]:
        return {name: model["problem"] for name, model in listed(client).items() if not model["ready"]}

    wait_until(lambda: all("/1" in problems().get(model, "") for model in ("graph", "pipe")))
    told = problems()
    assert told.keys() == {"empty", "dangling", "Bad Name", "graph", "lacking", "skewed", "pipe"}
    assert "unknown encoder kind 'hologram'" in told["lacking"]
    assert "version 1 was not admitted" in told["skewed"]
    assert client.get("/models/lacking").get_json()["problem"] == told["lacking"]
    refused = client.post("/predict/lacking", json=HOUSE)
    assert (refused.status_code, "hologram" in refused.get_json()["detail"]) == (404, True)
    index = {it["name"]: it["reason"] for it in client.post("/v2/repository/index").get_json()}
    assert index.keys() == told.keys() | {"good"}
    assert client.get("/readyz").get_json()["models"]["empty"]["problem"] == told["empty"]

    time.sleep(0.5)  # several looks later
    for name in told:
        lines = [it.getMessage() for it in caplog.records if it.levelno >= logging.WARNING and name in it.getMessage()]
        assert 1 <= len(lines) <= 3
        assert len(lines) == len(set(lines))
    publish("later")
    wait_until(lambda: answers(client, "later"))


def test_a_version_that_is_copied_file_by_file_is_served_when_the_last_file_is_there(
    start: Start, publish: Callable[..., Path], models_dir: Path
) -> None:
    client = start()
    whole = shutil.copytree(publish("whole"), models_dir / ".staging" / "whole")
    carry(whole, contract_of("copied").to_json())
    wait_until(lambda: is_ready(client))
    copied = models_dir / "copied" / "1"
    files = [path.relative_to(whole) for path in whole.rglob("*") if path.is_file()]
    for file in sorted(files, key=lambda file: file.parts[0] != "assets.extra"):  # the variables come last
        (copied / file).parent.mkdir(parents=True, exist_ok=True)
        content = (whole / file).read_bytes()
        for part in (content[: len(content) // 2], content):
            (copied / file).write_bytes(part)
            time.sleep(0.15)
    took = wait_until(lambda: answers(client, "copied"))
    assert took < 10
    assert is_ready(client)


def test_two_hundred_models_at_once_do_not_stall_answers(start: Start, publish: Callable[..., Path]) -> None:
    publish("busy")
    client = start()
    wait_until(lambda: is_ready(client))
    for number in range(200):
        publish(f"m{number}")
    slowest = 0.0
    started = time.monotonic()
    while sum(model.ready for model in _states(client).values()) != 201:
        began = time.monotonic()
        assert answers(client, "busy")
        slowest = max(slowest, time.monotonic() - began)
        assert is_ready(client)
        assert time.monotonic() < started + 120
        time.sleep(0.01)
    assert slowest < (time.monotonic() - started) / 3
    assert len(listed(client)) == 201


def _states(client: FlaskClient) -> Any:
    return client.application.extensions["plumbline"].refresher._catalog.states()


def test_with_a_model_server_a_model_is_offered_once_that_answers_for_it(
    start: Start, publish: Callable[..., Path], model_server: FakeModelServer
) -> None:
    client = start(model_server=model_server.address)
    publish("house")
    wait_until(lambda: "house" in listed(client))
    wait_until(lambda: "the model server has no such model" in listed(client)["house"]["problem"])
    assert "models config" in listed(client)["house"]["problem"]
    assert client.post("/predict/house", json=HOUSE).status_code == 503
    model_server.publish(contract_of("house"))
    wait_until(lambda: answers(client, "house"))
    wait_until(lambda: is_ready(client))
    publish("next")
    wait_until(lambda: "next" in listed(client))
    assert is_ready(client)


def test_models_that_are_being_trained_are_listed_with_their_share(
    models_dir: Path, publish: Callable[..., Path], start: Start
) -> None:
    publish("house")
    (models_dir / "digits").mkdir()  # as it is for a moment before its first version is published
    client = start()
    wait_until(lambda: client.get("/readyz").status_code == 200)
    with (
        Progress(models_dir, "digits") as digits,
        Progress(models_dir, "topic"),
        Progress(models_dir, "house") as house,
    ):
        digits.show(0.4)
        house.show(0.5)
        wait_until(lambda: client.get("/models").get_json()["models"][-1].get("served") is False)
        listed = {model["name"]: model for model in client.get("/models").get_json()["models"]}
        absent = {"ready": False, "served": False, "versions": []}
        assert (listed["house"]["ready"], listed["house"]["training"]) == (True, 0.5)
        assert [listed["digits"], listed["topic"]] == [
            {"name": "digits", **absent, "problem": "no version yet: training, 40 %", "training": 0.4},
            {"name": "topic", **absent, "problem": "no version yet: it waits for its training", "training": None},
        ]
        assert client.get("/models/digits").get_json() == listed["digits"] | {"refused": {}}
        assert client.get("/models/house").get_json()["training"] == 0.5
        assert client.get("/predict/digits").status_code != 200
    assert [model["name"] for model in client.get("/models").get_json()["models"]] == ["house", "digits"]
    assert client.get("/models/topic").status_code == 404
