"""The rendered pods at work, by podman: one trains a model, another serves it, as unprivileged as their manifests say.

podman knows no CronJob, no cluster network and no claims, and fires no probes. So the pod is taken out of what makes
it, shares the machine's network without ports and probes, and has folders in the claims' places. All else is as
rendered.
"""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conformance.servers import wait_for
from tests.images.podman import log, podman, state
from tests.k8s.manifests import Manifests, Pod
from tests.k8s.test_references import settings
from tests.serving.registry.test_server_config import configured
from tests.stack import Stack, free_port, process
from training.errors import ExitCode

MODEL = "house_price"
USER = 10001


@pytest.fixture(scope="module")
def images(request: pytest.FixtureRequest) -> None:
    if not request.config.getoption("--images"):
        pytest.skip("needs podman and the images: .ci/images builds them and runs this")


@pytest.fixture(scope="module")
def models_dir(images: None, local: Manifests, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the training pod published."""
    folder = tmp_path_factory.mktemp("claims")
    for parent in (folder, *folder.parents[:2]):
        parent.chmod(0o755)  # pytest's folders are root's alone
    for claim in ("models", "data", "reports"):
        (folder / claim).mkdir()
        os.chown(folder / claim, USER, USER)
    code, said = trained(as_pod(local.pod("train-house-price"), f"plumbline-train-{free_port()}", folder), folder)
    assert code == ExitCode.DONE, said
    return folder / "models"


def trained(pod: dict[str, Any], folder: Path) -> tuple[int, str]:
    """Run a training pod to its end."""
    name = pod["metadata"]["name"]
    play(folder, [pod])
    try:
        return int(podman("wait", f"{name}-train")), log(f"{name}-train")
    finally:
        podman("pod", "rm", "--force", name)


def as_pod(pod: Pod, name: str, claims: Path | None = None) -> dict[str, Any]:
    spec = {**pod.spec, "hostNetwork": True}
    (container,) = spec["containers"]
    kept = {key: value for key, value in container.items() if key != "ports" and not key.endswith("Probe")}
    spec["containers"] = [{**kept, "image": f"localhost/{container['image'].partition(':')[0]}:latest"}]
    spec["volumes"] = [
        {"name": volume["name"], "hostPath": {"path": str(claims / volume["name"]), "type": "Directory"}}
        if claims and "persistentVolumeClaim" in volume
        else volume
        for volume in spec["volumes"]
    ]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": pod.labels}, "spec": spec}


def play(folder: Path, objects: list[dict[str, Any]]) -> None:
    file = folder / "played.yaml"
    file.write_text(yaml.safe_dump_all(objects))
    podman("play", "kube", str(file))


def test_the_training_pod_publishes(models_dir: Path) -> None:
    version = models_dir / MODEL / "1"

    assert (version / "saved_model.pb").stat().st_uid == USER
    assert (version / "batching_params.pbtxt").exists()
    assert list((models_dir.parent / "reports" / MODEL).glob("*/report.html"))


@pytest.mark.parametrize(
    ("argument", "code"), [("nonesuch", ExitCode.BAD_INPUT), (MODEL, ExitCode.DONE)], ids=["no such model", "again"]
)
def test_a_job_that_cannot_succeed_or_has_nothing_to_do_says_so_by_its_code(
    local: Manifests, models_dir: Path, argument: str, code: ExitCode
) -> None:
    pod = as_pod(local.pod("train-house-price"), f"plumbline-train-{free_port()}", models_dir.parent)
    (container,) = pod["spec"]["containers"]
    container["args"] = [argument if each == MODEL else each for each in container["args"]]

    assert trained(pod, models_dir.parent)[0] == code
    assert [folder.name for folder in (models_dir / MODEL).glob("[0-9]*")] == ["1"]


@pytest.fixture(scope="module")
def model_server(models_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("server")
    result = configured(models_dir, "--output", str(folder))
    assert result.exit_code == 0, result.output
    port = free_port()
    command = [sys.executable, "-m", "serving.local_server", "--host=127.0.0.1", f"--port={port}"]
    with process([*command, f"--model_config_file={folder}/models.config"], folder / "server.log"):
        yield f"127.0.0.1:{port}"


def test_the_gateway_pod_answers_and_can_do_nothing_else(local: Manifests, model_server: str, tmp_path: Path) -> None:
    port = free_port()
    name = f"plumbline-gateway-{port}"
    pod = as_pod(local.pod("gateway"), name)
    (source,) = pod["spec"]["containers"][0]["envFrom"]
    here = {"MODEL_SERVER": model_server, "MODELS": MODEL, "BIND": "127.0.0.1", "PORT": str(port)}
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": source["configMapRef"]["name"]}}
    play(tmp_path, [{**config, "data": {**settings(local), **here}}, pod])
    container = f"{name}-gateway"
    try:
        # Each connection may reach another process, and each process gets ready by itself.
        wait_for(lambda: all(answers(port, "/readyz") for _ in range(20)), "the gateway is ready", 120)
        gateway = Stack(f"http://127.0.0.1:{port}", None, tmp_path)
        example = gateway.get(f"/models/{MODEL}").json()["instance"]["example"]
        reply = gateway.post(f"/predict/{MODEL}", example)
        assert (reply.status, reply.json()["version"]) == (200, 1)

        assert podman("exec", container, "id", "-u").strip() == str(USER)
        assert "Read-only file system" in podman("exec", container, "touch", "/srv/x", code=1)
        (told,) = json.loads(podman("inspect", container))
        assert told["EffectiveCaps"] in (None, [])
        assert told["HostConfig"]["Memory"] == 3 * 1024**3

        podman("stop", "--time", "30", container)
        assert state(container)["ExitCode"] == 0
    finally:
        podman("pod", "rm", "--force", name)


def answers(port: int, path: str) -> bool:
    try:
        return Stack(f"http://127.0.0.1:{port}", None, Path()).get(path).status == 200
    except OSError:
        return False
