"""A model server started as the Deployment says, and its probes: Plumbline's own, or that of --server-binary."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from serving.gateway.settings import Settings
from serving.registry.pinning import pins
from serving.registry.quarantining import quarantine_unloadable
from serving.registry.server_config import BATCHING_FILE, MAX_ROWS, batching_parameters, models_config
from serving.tfserving.rebuilt_messages import HealthCheckRequest, HealthCheckResponse
from tests.conformance.client import FOUR, Client, refused, request
from tests.conformance.models import write_mlp
from tests.conformance.servers import Launcher, ServerProcess, listens, wait_for
from tests.k8s.manifests import Manifests
from tests.serving.contracts import image_contract
from training.task import task_names

ORIGINAL_ONLY = ("--num_load_threads", "--num_unload_threads")
"""Flags of the original that Plumbline's own server has no need of."""


@pytest.fixture(scope="module")
def folder(local: Manifests, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pod's volumes, with no model in them yet."""
    folder = tmp_path_factory.mktemp("volumes")
    volumes = {volume["name"]: volume for volume in local.pod("model-server").spec["volumes"]}
    for mount in local.pod("model-server").containers[0]["volumeMounts"]:
        target = folder / mount["mountPath"].strip("/")
        target.mkdir(parents=True)
        config = volumes[mount["name"]].get("configMap")
        for name, text in local.get("ConfigMap", config["name"])["data"].items() if config else ():
            (target / name).write_text(text.replace('"/models/', f'"{folder}/models/'))
    return folder


@pytest.fixture(scope="module")
def flags(request: pytest.FixtureRequest, local: Manifests, folder: Path) -> list[str]:
    binary = request.config.getoption("--server-binary")
    return [
        flag.replace("=/", f"={folder}/")
        for flag in local.pod("model-server").containers[0]["args"]
        if "port=" not in flag and (binary or not flag.startswith(ORIGINAL_ONLY))
    ]


@pytest.fixture(scope="module")
def launcher(request: pytest.FixtureRequest, folder: Path) -> Launcher:
    return Launcher(request.config.getoption("--server-binary"), folder)


@pytest.fixture(scope="module")
def server(launcher: Launcher, flags: list[str]) -> Iterator[ServerProcess]:
    started = launcher.start(*flags)
    yield started
    started.process.kill()
    started.process.wait()


def test_the_ports_open_when_the_last_model_has_a_version(
    server: ServerProcess, folder: Path, local: Manifests
) -> None:
    assert set(local.pod("model-server").containers[0]["startupProbe"]) & {"tcpSocket"}
    write_mlp(folder / "staged", 1.0)
    pictures = image_contract(side=224, colour="RGB")
    (folder / "staged" / BATCHING_FILE).write_text(batching_parameters(pictures))
    *others, last = task_names()
    for model in others:
        shutil.copytree(folder / "staged", folder / "models" / model / "staged")
        (folder / "models" / model / "staged").rename(folder / "models" / model / "1")
    loaded = re.compile("AVAILABLE|Successfully loaded servable")
    wait_for(lambda: len(loaded.findall(server.log.read_text())) >= len(others), "all but one are loaded", 60)
    assert server.process.poll() is None
    assert not listens(server.port)
    assert not listens(server.rest_port)

    (folder / "models" / last).mkdir()
    (folder / "staged").rename(folder / "models" / last / "1")
    server.wait_until_open()


@pytest.fixture
def client(server: ServerProcess) -> Iterator[Client]:
    server.wait_until_open()
    client = Client(server.address.grpc)
    yield client
    client.channel.close()


def test_it_is_ready_and_alive(server: ServerProcess, client: Client, local: Manifests) -> None:
    container = local.pod("model-server").containers[0]
    check = client.channel.unary_unary(
        "/grpc.health.v1.Health/Check",
        request_serializer=HealthCheckRequest.SerializeToString,
        response_deserializer=HealthCheckResponse.FromString,
    )
    service = container["readinessProbe"]["grpc"]["service"]
    assert check(HealthCheckRequest(service=service), timeout=10).status == 1

    path = container["livenessProbe"]["httpGet"]["path"]
    assert server.address.ask("GET", path)[0] == 200
    assert server.address.ask("GET", f"{path}/other")[0] == 404


def test_a_request_as_large_as_a_gateway_takes_is_answered_in_batches(client: Client) -> None:
    rows = np.ones((Settings.max_instances, 4), np.float32)

    answer = client.predict(task_names()[-1], features=rows)
    assert len(answer.outputs["sum"].float_val) == len(rows)
    too_large = f"Task size {MAX_ROWS + 1} is larger than maximum input batch size {MAX_ROWS}"
    with refused("INVALID_ARGUMENT", too_large):
        client.predict(task_names()[-1], features=np.ones((MAX_ROWS + 1, 4), np.float32))


def test_it_starts_again_with_labels(launcher: Launcher, flags: list[str], folder: Path, client: Client) -> None:
    name = task_names()[0]
    (config,) = [Path(flag.partition("=")[2]) for flag in flags if flag.startswith("--model_config_file=")]
    labelled = folder / "labelled.config"
    text = config.read_text().replace(f'name: "{name}"', f'name: "{name}" version_labels {{ key: "stable" value: 1 }}')
    labelled.write_text(text)
    with launcher.running(*[flag.replace(str(config), str(labelled)) for flag in flags]) as again:
        answer = Client(again.address.grpc).send(request(name, label="stable", features=FOUR))
        assert answer.model_spec.version.value == 1


def test_a_model_that_is_lost_takes_no_other_away(client: Client, folder: Path) -> None:
    lost, kept = task_names()[:2]
    shutil.rmtree(folder / "models" / lost / "1")

    client.await_states(lost, v1="END")
    assert client.predict(kept, features=FOUR).model_spec.version.value == 1


def test_a_newest_version_that_can_not_be_loaded_keeps_no_server_from_starting(
    request: pytest.FixtureRequest, launcher: Launcher, tmp_path: Path
) -> None:
    models_dir, config = tmp_path / "models", tmp_path / "models.config"
    write_mlp(models_dir / "topic" / "1", 1.0)
    shutil.copytree(models_dir / "topic" / "1", models_dir / "topic" / "2")
    (models_dir / "topic" / "2" / "saved_model.pb").write_bytes(b"half")
    flags = [f"--model_config_file={config}", "--max_num_load_retries=0", "--load_retry_interval_micros=0"]
    config.write_text(models_config(["topic"], str(models_dir)))
    if request.config.getoption("--server-binary"):  # ours starts with the older one
        assert launcher.start(*flags).process.wait(60) == 255

    pinned = {name: pin.versions for name, pin in pins(models_dir, ["topic"]).items()}
    config.write_text(models_config(["topic"], str(models_dir), pinned))
    with launcher.running(*flags) as server:
        assert Client(server.address.grpc).states("topic") == {1: "AVAILABLE"}

    (folder,) = [path for _, path in quarantine_unloadable(models_dir, "topic")]
    assert folder == models_dir / "topic" / ".quarantine" / "2"
    config.write_text(models_config(["topic"], str(models_dir)))
    with launcher.running(*flags) as server:
        assert Client(server.address.grpc).states("topic") == {1: "AVAILABLE"}
