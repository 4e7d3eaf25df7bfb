"""Versions that this installation can't read, for want of a package or for worse: what each command says of them."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from flask.testing import FlaskClient

from serving.commands.main import main
from serving.contract import Contract
from serving.gateway.app import close_app, create_app
from serving.gateway.settings import Settings
from serving.registry.versions import CONTRACT
from tests.serving.every_kind import head_kinds, model_of
from tests.serving.fake_model_server import FakeModelServer, wait_until
from tests.serving.gateway.conftest import served
from tests.serving.registry.folders import carry
from tests.serving.saved_models import write_saved_model
from tests.stack import free_port, running

(PLAIN,) = [kind for kind in head_kinds() if kind.name == "to_value"]
DOCUMENT = PLAIN.contract.to_json()
LACKED = "the encoder kind 'loudness' needs the package own-kinds 1.2, which is not installed here"
OF_A_PACKAGE = '"kind": "loudness", "package": {"name": "own-kinds", "version": "1.2"}'
UNREADABLE: dict[str, tuple[Callable[[str], str], str]] = {
    "a_package": (lambda text: text.replace('"kind": "number"', OF_A_PACKAGE, 1), LACKED),
    "no_json": (lambda text: text[:99], "not a contract"),
    "schema_3": (lambda text: text.replace('"schema": 2', '"schema": 3', 1), "expected contract schema 1 to 2, got 3"),
    "a_kind": (lambda text: text.replace('"kind": "value"', '"kind": "oracle"', 1), "unknown head kind 'oracle'"),
    "a_state": (lambda text: text.replace('"scale": "standard"', '"scale": []', 1), "/fields/0/scale: expected one"),
}
"""A model for each way, whose first version is right and whose second is not."""


def contract_of(model: str) -> Contract:
    return replace(PLAIN.contract, model=model)


def document_of(model: str) -> str:
    return UNREADABLE[model][0](contract_of(model).to_json())


def run(*command: str) -> Result:
    return CliRunner().invoke(main, command, catch_exceptions=False)


@pytest.fixture
def models_dir(tmp_path: Path) -> Path:
    """Folders of versions without a graph; `broken` has nothing but a version that can't be read."""
    for model in UNREADABLE:
        for number, document in (("1", contract_of(model).to_json()), ("2", document_of(model))):
            _write(tmp_path / model / number, document)
    _write(tmp_path / "broken" / "1", document_of("a_package").replace('"a_package"', '"broken"'))
    return tmp_path


def _write(version: Path, document: str) -> None:
    (version / CONTRACT).parent.mkdir(parents=True)
    (version / CONTRACT).write_text(document, "utf-8")
    (version / "saved_model.pb").write_bytes(b"")


def test_the_commands_on_a_folder_say_what_each_lacks_and_list_all_others(models_dir: Path) -> None:
    listed = run("models", "list", "--models-dir", str(models_dir)).output.splitlines()
    for model, (_, told) in UNREADABLE.items():
        states = [line.split()[1:3] for line in listed if line.startswith(f"{model} ")]
        assert states == [["1", "newest"], ["2", "broken"]]
        assert any(line.startswith(f"{model} ") and told in line for line in listed)
        assert told in run("models", "show", model, "2", "--models-dir", str(models_dir)).output
    assert LACKED in run("models", "show", "broken", "--models-dir", str(models_dir)).output


@pytest.mark.parametrize(("model", "options"), [("broken", []), ("a_package", ["--version", "2"])])
def test_scoring_in_process_says_what_is_lacked(models_dir: Path, model: str, options: list[str]) -> None:
    (models_dir / "in.jsonl").write_text('{"x": 1.0}\n')
    command = ["score", str(models_dir / "in.jsonl"), "--model", model, "--output", str(models_dir / "out.jsonl")]
    result = run(*command, "--in-process", "--models-dir", str(models_dir), *options)
    assert (result.exit_code, LACKED in result.output) == (2, True), result.output


def test_drift_says_what_is_lacked(models_dir: Path) -> None:
    (models_dir / "in.jsonl").write_text('{"x": 1.0}\n')
    saved_model = str(models_dir / "broken" / "1")
    result = run("drift", str(models_dir / "in.jsonl"), "--model", "broken", "--saved-model", saved_model)
    assert (result.exit_code, LACKED in result.output) == (1, True), result.output


@pytest.mark.parametrize("command", [["up"], ["serve"]])
def test_with_nothing_else_to_serve_it_ends_and_says_why(
    models_dir: Path, command: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    only = models_dir / "only"
    shutil.copytree(models_dir / "broken", only / "broken")
    monkeypatch.setenv("MODELS_DIR", str(only))
    result = run(*command, *(["--models-dir", str(only)] if command == ["up"] else []), "--port", str(free_port()))
    assert (result.exit_code, LACKED in result.output) == (1, True), result.output


@pytest.fixture
def gateway(model_server: FakeModelServer) -> Iterator[FlaskClient]:
    """A gateway whose model server has had all these versions since before it started."""
    for model in UNREADABLE:
        contract = contract_of(model)
        model_server.publish(contract, 1, model=model_of(contract))
        model_server.publish(contract, 2, model=model_of(contract))
        model_server.versions[model][2] = (document_of(model).encode(), model_of(contract))
    model_server.publish(contract_of("broken"), 1, model=model_of(PLAIN.contract))
    model_server.versions["broken"][1] = (document_of("a_package").encode(), model_of(PLAIN.contract))
    models = (*UNREADABLE, "broken")
    app = create_app(Settings(model_server=model_server.address, models=models, refresh_seconds=3600))
    client = app.test_client()
    wait_until(lambda: all(client.get(f"/models/{model}").get_json()["ready"] for model in UNREADABLE))
    yield client
    close_app(app)


def test_a_gateway_refuses_them_alone_and_the_commands_that_query_it_say_so(gateway: FlaskClient) -> None:
    listed = {model["name"]: model for model in gateway.get("/models").get_json()["models"]}
    for model, (_, told) in UNREADABLE.items():
        assert (listed[model]["ready"], listed[model]["versions"]) == (True, [1])
        assert told in listed[model]["refused"]["2"]
        reply = gateway.post(f"/predict/{model}", json=PLAIN.instances[0])
        assert reply.get_json()["predictions"] == PLAIN.answers[:1]
        named = gateway.post(f"/predict/{model}?version=2", json=PLAIN.instances[0])
        assert (named.status_code, named.get_json()["code"]) == (404, "unknown_version")
        assert told in named.get_json()["detail"]
    assert LACKED in listed["broken"]["problem"]
    with served(gateway.application) as url:
        for command in (["models", "--url", url], ["models", "served", "--url", url], ["verify", "--url", url]):
            output = run(*command).output
            for model, (_, told) in UNREADABLE.items():
                assert any(
                    f"{model}: version 2 is not admitted" in line and told in line for line in output.split("\n")
                )
            assert f"broken: {'FAILED: ' if command[0] == 'verify' else ''}version 1 was not admitted" in output
        assert [run("verify", it, "--url", url).exit_code for it in ("a_package", "broken")] == [0, 1]


def test_scoring_by_a_model_server_says_what_is_lacked(
    gateway: FlaskClient, model_server: FakeModelServer, tmp_path: Path
) -> None:
    (tmp_path / "in.jsonl").write_text('{"x": 1.0}\n')
    for model, options in (("broken", []), ("a_package", ["--version", "2"])):
        command = ["score", str(tmp_path / "in.jsonl"), "--model", model, "--output", str(tmp_path / "out.jsonl")]
        result = run(*command, "--model-server", model_server.address, *options)
        assert (result.exit_code, LACKED in result.output) == (2, True), result.output


def test_the_whole_system_starts_with_them_and_answers(tmp_path: Path) -> None:
    models_dir = tmp_path / "models"
    for model in UNREADABLE:
        contract = contract_of(model)
        write_saved_model(models_dir / model / "1", contract, contract.to_json())
        shutil.copytree(models_dir / model / "1", models_dir / model / "2")
        carry(models_dir / model / "2", document_of(model))
    shutil.copytree(models_dir / "a_package" / "2", models_dir / "broken" / "1")
    with running(models_dir, tmp_path) as stack:
        log = stack.log.read_text()
        assert f"not served: broken: version 1 is not to be served: {CONTRACT}: " in log
        for model, (_, told) in UNREADABLE.items():
            reply = stack.post(f"/predict/{model}", PLAIN.instances[0]).json()
            assert reply["version"] == 1
            assert reply["predictions"][0] == pytest.approx(PLAIN.answers[0])
            assert any(f"{model}: version 2 is not admitted" in line and told in line for line in log.splitlines())
