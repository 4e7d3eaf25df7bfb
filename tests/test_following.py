"""`plumbline up` and `serve` in processes of their own, while models come to the folder and go."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from serving.process.processors import share
from tests.serving.contracts import tabular_contract
from tests.serving.registry.folders import carry
from tests.serving.saved_models import write_saved_model
from tests.stack import PLUMBLINE, Stack, free_port, process, running

HOUSE = {"rooms": 5.0, "age": 30.0}
Publish = Callable[..., Path]


@pytest.fixture
def models_dir(tmp_path: Path) -> Path:
    (tmp_path / "models").mkdir()
    return tmp_path / "models"


@pytest.fixture
def publish(models_dir: Path) -> Publish:
    def publish(model: str, version: int = 1, document: str = "") -> Path:
        contract, staged = tabular_contract(model), models_dir / ".staging" / model
        write_saved_model(staged, contract, contract.to_json())
        carry(staged, document or contract.to_json())
        (models_dir / model).mkdir(exist_ok=True)
        return staged.rename(models_dir / model / str(version))

    return publish


@pytest.fixture
def with_model_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in for tensorflow_model_server on PATH: it takes the flags as the original would."""
    binary = tmp_path / "bin" / "tensorflow_model_server"
    binary.parent.mkdir()
    binary.write_text(
        f'#!/bin/sh\necho "$@" >"$0.flags"\nexec "{sys.executable}" -m serving.local_server --host=127.0.0.1 "$@"\n'
    )
    binary.chmod(0o755)
    monkeypatch.setenv("PATH", str(binary.parent), prepend=os.pathsep)
    return binary


def answer(stack: Stack, model: str) -> int:
    return stack.post(f"/predict/{model}", HOUSE).status


def wait_for_all_workers(stack: Stack, model: str, status: int = 200) -> None:
    stack.wait_until(lambda: [answer(stack, model) for _ in range(8)] == [status] * 8)


def follows(models_dir: Path, publish: Publish, stack: Stack) -> None:
    """Take *stack*, which started on an empty folder, through what happens in it."""
    assert f"there is no model yet in {models_dir}; publish one, for example with: plumbline" in stack.log.read_text()
    assert stack.get("/readyz").status == 503
    assert answer(stack, "first") == 404
    publish("first")
    wait_for_all_workers(stack, "first")
    stack.wait_until(lambda: "POST /predict/first" in stack.log.read_text())
    stack.wait_for("/readyz", lambda reply: reply.status == 200)

    (models_dir / "empty").mkdir()
    (publish("garbled") / "saved_model.pb").write_bytes(b"\xff" * 100)
    publish("lacking", 1, tabular_contract("lacking").to_json().replace('"kind": "number"', '"kind": "hologram"'))
    publish("second")
    wait_for_all_workers(stack, "second")
    publish("first", 2)
    stack.wait_for("/models/first", lambda reply: reply.json()["versions"] == [2, 1])
    assert stack.get("/readyz").status == 200
    log = stack.log.read_text
    stack.wait_until(lambda: all(f"not served: {model}: " in log() for model in ("empty", "garbled", "lacking")))
    problems = {it["name"]: it.get("problem") for it in stack.get("/models").json()["models"]}
    assert "hologram" in problems["lacking"]
    assert problems["first"] is problems["second"] is None

    shutil.rmtree(models_dir / "second")
    wait_for_all_workers(stack, "second", 404)
    stack.wait_until(lambda: "second: no longer served" in log())
    publish("second")
    wait_for_all_workers(stack, "second")
    assert [answer(stack, "first") for _ in range(8)] == [200] * 8
    assert stack.process.poll() is None
    assert log().count("not served: empty: ") == 1


def test_up_serves_what_comes_to_an_empty_folder(models_dir: Path, publish: Publish, tmp_path: Path) -> None:
    with running(models_dir, tmp_path) as stack:
        follows(models_dir, publish, stack)


def test_up_has_its_model_server_take_what_comes_too(
    models_dir: Path, publish: Publish, tmp_path: Path, with_model_server: Path
) -> None:
    with running(models_dir, tmp_path) as stack:
        assert f"model server: {with_model_server}" in stack.log.read_text()
        flags = with_model_server.with_suffix(".flags").read_text().split()
        assert {"--tensorflow_intra_op_parallelism=1", "--tensorflow_inter_op_parallelism=-1"} <= {*flags}
        environments = [Path(f"/proc/{pid}/environ").read_bytes().split(b"\0") for pid in stack.children()]
        assert any(f"MAX_LARGE_CALLS={share(2)}".encode() in each for each in environments)
        follows(models_dir, publish, stack)


def test_up_starts_its_model_server_though_one_model_can_not_be_loaded(
    models_dir: Path, publish: Publish, tmp_path: Path, with_model_server: Path
) -> None:
    (publish("garbled") / "saved_model.pb").write_bytes(b"\xff" * 100)
    publish("good")
    with running(models_dir, tmp_path) as stack:
        wait_for_all_workers(stack, "good")
        assert "garbled: version 1 can't be loaded: saved_model.pb: expected a SavedModel" in stack.log.read_text()


@pytest.fixture
def gateway_of(models_dir: Path, tmp_path: Path) -> Iterator[Callable[..., Stack]]:
    started = []

    def start(*options: str) -> Stack:
        port = free_port()
        command = [*PLUMBLINE, "serve", "--models-dir", str(models_dir), "--port", str(port), *options]
        started.append(process(command, tmp_path / "serve.log"))
        stack = Stack(f"http://127.0.0.1:{port}", started[-1].__enter__(), tmp_path / "serve.log")
        stack.wait_for("/healthz", lambda reply: reply.status == 200)
        return stack

    yield start
    for each in started:
        each.__exit__(None, None, None)


def test_serve_follows_a_folder_whose_models_another_server_has(
    models_dir: Path, publish: Publish, tmp_path: Path, gateway_of: Callable[..., Stack]
) -> None:
    port = free_port()
    stack = gateway_of("--models", "*", "--model-server", f"127.0.0.1:{port}")
    publish("first")
    stack.wait_for("/models", lambda reply: "first" in str(reply.json()))
    assert answer(stack, "first") == 503
    config = tmp_path / "models.config"

    def write_config() -> None:
        command = [*PLUMBLINE, "models", "config", "--models-dir", str(models_dir), "--output", str(tmp_path)]
        subprocess.run(command, check=True, capture_output=True)

    write_config()
    command = [sys.executable, "-m", "serving.local_server", "--host=127.0.0.1", f"--port={port}"]
    command += [f"--model_config_file={config}", "--model_config_file_poll_wait_seconds=0.5"]
    with process(command, tmp_path / "server.log"):
        wait_for_all_workers(stack, "first")
        publish("second")
        missing = "list it in its models.config, which `plumbline models config` writes"
        stack.wait_for("/models", lambda reply: missing in str(reply.json()))
        assert stack.get("/readyz").status == 200
        write_config()
        wait_for_all_workers(stack, "second")


def test_serve_ends_if_there_are_models_and_none_can_be_served(models_dir: Path, publish: Publish) -> None:
    publish("lacking", 1, tabular_contract("lacking").to_json().replace('"kind": "number"', '"kind": "hologram"'))
    command = [*PLUMBLINE, "serve", "--models-dir", str(models_dir), "--port", str(free_port())]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert f"Error: no model in {models_dir} can be served\nnot served: lacking: version 1 is not to be" in done.stderr
