"""The OpenAPI document: true to the contracts, and to what the gateway does."""

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from flask.testing import FlaskClient

from serving.gateway.middleware.key_file import make_key
from serving.gateway.settings import Settings
from tests.serving.contracts import image_contract, tabular_contract, text_contract
from tests.serving.fake_model_server import FakeModelServer, wait_until
from tests.serving.gateway.test_serve import Running

CONTRACTS = (text_contract(), tabular_contract(), image_contract())
CONFIG = Path(__file__).with_name("schemathesis.toml")


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    """With feedback, which is described where it is taken."""
    return replace(settings, capture=str(tmp_path / "captures"))


@pytest.fixture
def options() -> dict[str, str]:
    return {}


@pytest.fixture
def running(model_server: FakeModelServer, tmp_path: Path, options: dict[str, str]) -> Iterator[Running]:
    """Gunicorn with one worker: the server's own reading of HTTP is part of what is tested."""
    for contract in CONTRACTS:
        model_server.publish(contract)
    models = ",".join(contract.model for contract in CONTRACTS)
    limits = {"WORKERS": "1", "MAX_INSTANCES": "4", "MAX_BODY_BYTES": "100000", **options}
    limits["CAPTURE"] = str(tmp_path / "captures")
    running = Running(model_server.address, tmp_path, tmp_path / "log", MODELS=models, **limits)
    wait_until(running.ready)
    yield running
    running.process.terminate()
    running.process.wait(30)


def schemathesis(running: Running, folder: Path, *options: str, selected: int) -> None:
    """Run the tool on *selected* of all operations that there are; fails if it finds anything."""
    url = f"http://127.0.0.1:{running.port}/openapi.json"
    options = (*options, "--max-examples=3", "--generation-deterministic", "--no-color")
    command = [sys.executable, "-m", "schemathesis.cli", f"--config-file={CONFIG}", "run", *options, url]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=400)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"Selected: {selected}/37" in done.stdout


def test_schemathesis_finds_nothing(running: Running, tmp_path: Path) -> None:
    """Of operations that differ little from model to model, those of one model are enough, and spare a minute."""
    alike = "--exclude-path-regex=^/(feedback|explain)/(house_price|digits)$"
    schemathesis(running, tmp_path, "--phases=examples,coverage,fuzzing", alike, selected=33)


KEY, LINE = make_key("schemathesis")


@pytest.mark.parametrize("options", [{"API_KEYS_FILE": "api-keys"}])
def test_nor_does_it_where_a_key_is_needed(
    options: dict[str, str], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Its check `ignored_auth` also asks without a key, and with wrong ones."""
    file = tmp_path / options["API_KEYS_FILE"]
    file.write_text(f"{LINE}\n")
    options["API_KEYS_FILE"] = str(file)
    running = request.getfixturevalue("running")
    schemathesis(running, tmp_path, "--phases=examples", f"--header=Authorization: Bearer {KEY}", selected=37)


@pytest.fixture
def document(gateway: FlaskClient) -> dict[str, Any]:
    told: dict[str, Any] = gateway.get("/openapi.json").get_json()
    return told


def validator(document: dict[str, Any], schema: dict[str, Any]) -> jsonschema_rs.Draft202012Validator:
    """A schema of the document, with what it may refer to."""
    return jsonschema_rs.Draft202012Validator({**schema, "components": document["components"]})


def test_each_live_model_has_its_schema_and_its_example(gateway: FlaskClient, document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.1.0"
    for contract in CONTRACTS:
        asked = document["paths"][f"/predict/{contract.model}"]["post"]["requestBody"]["content"]["application/json"]
        one = gateway.get(f"/models/{contract.model}").get_json()["instance"]
        name = asked["schema"]["oneOf"][0]["$ref"].rpartition("/")[2]
        assert document["components"]["schemas"][name] == one["schema"]
        assert asked["examples"]["one"]["value"] == one["example"] == contract.examples[0].instance


def test_all_examples_fit_their_schemas_and_are_answered_as_the_schemas_say(
    gateway: FlaskClient, document: dict[str, Any]
) -> None:
    count = 0
    for path, operations in document["paths"].items():
        asked = operations.get("post", {}).get("requestBody", {}).get("content", {}).get("application/json", {})
        for example in asked.get("examples", {}).values():
            validator(document, asked["schema"]).validate(example["value"])
            reply = gateway.post(path, json=example["value"])
            answer = operations["post"]["responses"][str(reply.status_code)]["content"]["application/json"]
            assert reply.status_code == (202 if path.startswith("/feedback/") else 200)
            validator(document, answer["schema"]).validate(reply.get_json())
            if "example" in answer:
                assert reply.get_json()["predictions"][0] == answer["example"]["predictions"][0]
            count += 1
    assert count == 7 * len(CONTRACTS)


def test_every_route_is_described(gateway: FlaskClient, document: dict[str, Any]) -> None:
    described = {path.replace(model, "{model}") for path in document["paths"] for model in ("sentiment",)}
    routes = set()
    for rule in gateway.application.url_map.iter_rules():
        routes.add(str(rule).replace("<name:", "<").replace("<int:", "<").replace("<", "{").replace(">", "}"))
    # These are described without their version or label, or are for people.
    routes -= {route for route in routes if "label" in route or route.startswith(("/docs", "/static"))}
    routes -= {"/", "/monitor", "/openapi.json", "/v2/models/{model}/versions/{version}/infer"}
    routes -= {"/v1/models/{model}/versions/{version}:predict"}
    assert routes <= described


def test_every_operation_has_a_name_of_its_own_that_stays(
    gateway: FlaskClient, document: dict[str, Any], model_server: FakeModelServer
) -> None:
    def names() -> dict[str, str]:
        paths = gateway.get("/openapi.json").get_json()["paths"]
        return {
            f"{method} {path}": operation["operationId"]
            for path, operations in paths.items()
            for method, operation in operations.items()
        }

    before = names()
    assert all(re.fullmatch(r"[A-Za-z_]\w*", name) for name in before.values())
    assert len({name.lower() for name in before.values()}) == len(before)
    for place, name in {
        "post /predict/digits": "predict_digits",
        "post /explain/digits": "explain_digits",
        "post /feedback/digits": "tell_digits",
        "get /models": "get_models",
        "get /models/{model}": "get_models_model",
        "get /v2": "get_v2",
        "get /v2/models/{model}/versions/{version}/ready": "get_v2_models_model_versions_version_ready",
        "post /v2/repository/index": "post_v2_repository_index",
    }.items():
        assert before[place] == name
    model_server.withdraw("digits", 1)
    wait_until(lambda: "post /predict/digits" not in names())
    assert names().items() < before.items()


def test_errors_are_as_described(gateway: FlaskClient, document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    for path, schema in (("/predict/", "Problem"), ("/v1/models/", "Error"), ("/v2/models/", "Error")):
        verb = {"/v1/models/": ":predict", "/v2/models/": "/infer"}.get(path, "")
        for body in ({}, {"instances": [{}, {"x": 1}]}, {"inputs": {"text": [1]}}, [1]):
            reply = gateway.post(f"{path}sentiment{verb}", json=body)
            assert reply.status_code >= 400
            validator(document, schemas[schema]).validate(reply.get_json())


def test_a_model_that_is_not_live_has_no_path(gateway: FlaskClient, model_server: FakeModelServer) -> None:
    model_server.withdraw("digits", 1)
    wait_until(lambda: "/predict/digits" not in gateway.get("/openapi.json").get_json()["paths"])
    assert "/predict/sentiment" in gateway.get("/openapi.json").get_json()["paths"]
