"""The process: flags, start, failure to start, health, and how it ends."""

import contextlib
import http.client
import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from serving.tfserving.rebuilt_messages import HealthCheckRequest, HealthCheckResponse
from tests.conformance.client import FOUR, Client, refused, request, values
from tests.conformance.servers import Launcher, ServerProcess, listens, wait_for

BUSY = "/v1/models/busy:predict"
SIZES_END_TOO_EARLY = """
max_batch_size { value: 512 }
enable_large_batch_splitting { value: true }
max_execution_batch_size { value: 64 }
allowed_batch_sizes: 32
allowed_batch_sizes: 64
"""
SIZES_PROBLEM = "Last entry in allowed_batch_sizes must match max_batch_size; last entry was 64; expected 512"


def _check(client: Client, service: str) -> int:
    call = client.channel.unary_unary(
        "/grpc.health.v1.Health/Check",
        request_serializer=HealthCheckRequest.SerializeToString,
        response_deserializer=HealthCheckResponse.FromString,
    )
    return call(HealthCheckRequest(service=service), timeout=10).status


@pytest.mark.parametrize("service", ["", "ModelService", "PredictionService"])
def test_health(client: Client, service: str) -> None:
    assert _check(client, service) == 1


def test_health_does_not_know_full_names(client: Client) -> None:
    with refused("NOT_FOUND"):
        _check(client, "tensorflow.serving.PredictionService")


@pytest.mark.parametrize(
    ("content", "flags", "text"),
    [
        ("", ["--model_name=m", "--model_base_path=rel"], "Expected model m to have an absolute path"),
        ("max_batch_size { value: 8 }", ["--batching_parameters_file={file}"], "INVALID_ARGUMENT: "),
        ("no_such_field: 1", ["--enable_batching", "--batching_parameters_file={file}"], "Invalid protobuf file"),
    ],
    ids=["relative path", "parameters without batching", "bad parameters"],
)
def test_start_is_refused(
    launcher: Launcher, models_dir: Path, tmp_path: Path, content: str, flags: list[str], text: str
) -> None:
    file = tmp_path / "file"
    file.write_text(content)
    base = ["--model_name=echo", f"--model_base_path={models_dir}/echo"]
    server = launcher.start(*base, *(flag.format(file=file) for flag in flags))
    assert server.process.wait(60) == 255
    assert re.search(f"Failed to start server. Error: .*{re.escape(text)}", server.log.read_text())


@pytest.fixture(scope="module")
def doomed(launcher: Launcher, models_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, ServerProcess]:
    """Start all servers that must fail only once TensorFlow is there, together, since that takes seconds."""
    folder = tmp_path_factory.mktemp("doomed")
    (folder / "m" / "1").mkdir(parents=True)
    labelled = _labelled(folder, models_dir, version=1)
    shutil.copytree(models_dir / "pick" / "1", folder / "pick" / "1")
    (folder / "pick" / "1" / "batching_params.pbtxt").write_text(SIZES_END_TOO_EARLY)
    (folder / "batching.config").write_text(SIZES_END_TOO_EARLY)
    batching = ["--enable_batching", "--max_num_load_retries=0", "--model_name=pick"]
    shutil.copytree(models_dir / "mlp" / "1", folder / "newer" / "1")
    (folder / "newer" / "2").mkdir()
    return {
        "newest version": launcher.start(
            "--model_name=newer", f"--model_base_path={folder}/newer", "--max_num_load_retries=0"
        ),
        "batching": launcher.start(
            *batching, f"--model_base_path={models_dir}/pick", f"--batching_parameters_file={folder}/batching.config"
        ),
        "own batching": launcher.start(
            *batching, f"--model_base_path={folder}/pick", "--enable_per_model_batching_parameters"
        ),
        "model": launcher.start("--model_name=m", f"--model_base_path={folder}/m", "--max_num_load_retries=0"),
        "labels": launcher.start(f"--model_config_file={labelled}"),
    }


@pytest.mark.parametrize(
    ("which", "text"),
    [
        ("model", "UNKNOWN: 1 servable(s) did not become available: {{{name: m version: 1} due to error: "),
        ("batching", SIZES_PROBLEM),
        ("own batching", SIZES_PROBLEM),
        (
            "labels",
            "FAILED_PRECONDITION: Request to assign label to version 1 of model echo, which is not currently available",
        ),
    ],
)
def test_what_can_not_be_served_ends_the_server(doomed: dict[str, ServerProcess], which: str, text: str) -> None:
    assert doomed[which].process.wait(60) == 255
    assert text in doomed[which].log.read_text()


def test_a_label_may_wait_for_its_version_if_the_flag_says_so(
    launcher: Launcher, models_dir: Path, tmp_path: Path
) -> None:
    labelled = _labelled(tmp_path, models_dir, version=9)
    flags = ["--allow_version_labels_for_unavailable_models=true"]
    with launcher.running(f"--model_config_file={labelled}", *flags) as server:
        client = Client(server.address.grpc)
        with refused("NOT_FOUND", "Servable not found for request: Specific(echo, 9)"):
            client.send(request("echo", label="stable"))


def _labelled(folder: Path, models_dir: Path, version: int) -> Path:
    file = folder / "models.config"
    file.write_text(
        f'model_config_list {{ config {{ name: "echo" base_path: "{models_dir}/echo" model_platform: "tensorflow" '
        f'version_labels {{ key: "stable" value: {version} }} }} }}'
    )
    return file


def test_ports_open_after_the_first_version(launcher: Launcher, models_dir: Path, tmp_path: Path) -> None:
    base = tmp_path / "late"
    base.mkdir()
    server = launcher.start("--model_name=late", f"--model_base_path={base}")
    try:
        wait_for(lambda: str(base) in server.log.read_text(), "it has looked into the folder", 60)
        with pytest.raises(subprocess.TimeoutExpired):
            server.process.wait(1)
        assert not listens(server.port)
        assert not listens(server.rest_port)
        shutil.copytree(models_dir / "mlp" / "1", tmp_path / "staged")
        (tmp_path / "staged").rename(base / "1")
        server.wait_until_open()
        assert Client(server.address.grpc).predict("late", features=FOUR).model_spec.version.value == 1
    finally:
        server.process.kill()
        server.process.wait()


@pytest.mark.better_than_real
def test_sigterm_lets_running_requests_finish(launcher: Launcher, models_dir: Path) -> None:
    with launcher.running("--model_name=busy", f"--model_base_path={models_dir}/busy") as server:
        client = Client(server.address.grpc)
        long = np.array([300_000], np.int32)
        with contextlib.closing(http.client.HTTPConnection(server.address.rest, timeout=30)) as connection:
            connection.request("POST", BUSY, json.dumps({"inputs": long.tolist()}))
            running = client.predictions.Predict.future(request("busy", steps=long), timeout=30)
            # Requests that came later have been answered: so the long ones have been taken up.
            client.predict("busy", steps=long * 0)
            assert server.address.ask("POST", BUSY, {"inputs": [0]})[0] == 200
            assert server.terminate() == 0
            assert values(running.result())["done"] == long.tolist()
            assert json.loads(connection.getresponse().read()) == {"outputs": long.tolist()}


@pytest.mark.better_than_real  # which refuses it: RESOURCE_EXHAUSTED, "Server Threadpool Exhausted"
def test_a_call_beyond_the_threads_waits(launcher: Launcher, models_dir: Path) -> None:
    flags = ["--model_name=busy", f"--model_base_path={models_dir}/busy", "--grpc_max_threads=2"]
    with launcher.running(*flags) as server:
        client = Client(server.address.grpc)
        steps = np.array([20_000], np.int32)
        calls = [client.predictions.Predict.future(request("busy", steps=steps), timeout=60) for _ in range(9)]
        assert [values(call.result())["done"] for call in calls] == [steps.tolist()] * 9
        client.channel.close()


def test_an_old_good_version_does_not_save_a_start_from_a_bad_new_one(doomed: dict[str, ServerProcess]) -> None:
    assert doomed["newest version"].process.wait(60) == 255
    assert "version: 2} due to error: " in doomed["newest version"].log.read_text()


@pytest.mark.better_than_real  # which ends as soon as one of the wanted versions can't be loaded
def test_a_start_goes_on_with_the_older_of_two_wanted_versions(
    launcher: Launcher, models_dir: Path, tmp_path: Path
) -> None:
    shutil.copytree(models_dir / "mlp" / "1", tmp_path / "newer" / "1")
    (tmp_path / "newer" / "2").mkdir()
    (tmp_path / "models.config").write_text(
        f'model_config_list {{ config {{ name: "newer" base_path: "{tmp_path}/newer" model_platform: "tensorflow" '
        f"model_version_policy {{ latest {{ num_versions: 2 }} }} }} }}"
    )
    with launcher.running(f"--model_config_file={tmp_path}/models.config", "--max_num_load_retries=0") as server:
        client = Client(server.address.grpc)
        assert client.predict("newer", features=FOUR).model_spec.version.value == 1
        client.channel.close()


@pytest.mark.better_than_real
def test_an_unknown_flag_is_refused(launcher: Launcher) -> None:
    server = launcher.start("--no_such_flag=1")
    assert server.process.wait(30) == 2
    assert "No such option" in server.log.read_text()


@pytest.mark.better_than_real
def test_padding_of_inputs_is_refused(launcher: Launcher, models_dir: Path, tmp_path: Path) -> None:
    file = tmp_path / "parameters"
    file.write_text("pad_variable_length_inputs: true")
    flags = ["--enable_batching=true", f"--batching_parameters_file={file}"]
    server = launcher.start("--model_name=echo", f"--model_base_path={models_dir}/echo", *flags)
    assert server.process.wait(60) == 255
    assert "pad_variable_length_inputs is not supported" in server.log.read_text()
