"""With models in an object store: no pod has the volume, and the containers' commands do their work on a real S3."""

import subprocess
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from serving.commands.main import main
from serving.commands.models import models
from serving.model_store import place_of
from tests.conformance.servers import wait_for
from tests.k8s.manifests import LAST, OVERLAYS, Manifests, manifests_of
from tests.k8s.test_agreement import SERVABLE
from tests.serving.registry.folders import numbers, publish_version
from tests.stack import PLUMBLINE
from training.publishing.store import deliver, fetch

MODEL = "house_price"
LOADABLE = SERVABLE.decode()


@pytest.fixture(params=[f"{overlay}+{which}" for overlay in OVERLAYS for which in (LAST, "all")])
def manifests(request: pytest.FixtureRequest) -> Manifests:
    return manifests_of(request.param)


def containers(manifests: Manifests, pod: str) -> dict[str, dict[str, Any]]:
    return {container["name"]: container for container in manifests.pod(pod).containers}


def test_no_pod_has_the_volume_and_each_that_names_the_store_has_its_settings(manifests: Manifests) -> None:
    pods = list(manifests.pods())
    claims = [
        volume.get("persistentVolumeClaim", {}).get("claimName") for pod in pods for volume in pod.spec["volumes"]
    ]
    assert "models" not in claims
    assert "models" not in manifests.names("PersistentVolumeClaim")

    named = [each for pod in pods for each in pod.containers if "$(MODEL_STORE)" in str(each.get("args", ""))]
    assert {"fetch-models", "follow-store", "train"} <= {each["name"] for each in named}
    for container in named:
        assert any(source["configMapRef"]["name"].startswith("object-store") for source in container["envFrom"])
        assert "/etc/object-store" in [mount["mountPath"] for mount in container["volumeMounts"]]
    assert "BUCKET" in str([found["data"] for found in manifests.of("ConfigMap") if "MODEL_STORE" in found["data"]])


def test_what_is_published_is_checked_before_a_server_starts_and_followed_afterwards(manifests: Manifests) -> None:
    started = [container["name"] for container in manifests.pod("model-server").spec["initContainers"]]
    assert started == ["fetch-models", "check-models", "follow-store"]
    follower = containers(manifests, "model-server")["follow-store"]
    assert follower["restartPolicy"] == "Always"  # without it, the pod would wait for its end


def test_the_commands_take_their_arguments(manifests: Manifests) -> None:
    named = [each for pod in manifests.pods() for each in pod.containers if "$(MODEL_STORE)" in str(each.get("args"))]
    checked = 0
    for container in (each for each in named if each["args"][0] == "models"):
        _, name, *arguments = container["args"]
        command = models.get_command(click.Context(models), name)
        assert command is not None
        command.make_context(
            name, [each.replace("=/etc/served-models/models.config", f"={__file__}") for each in arguments]
        )
        checked += 1
    assert checked >= 2


def test_pods_start_with_follow_and_prune_what_is_published(tmp_path: Path, bucket: str) -> None:
    manifests = manifests_of("local+all")
    node = tmp_path / "node"
    pod = containers(manifests, "model-server")

    def as_in(container: dict[str, Any]) -> list[str]:
        words = [word.replace("$(MODEL_STORE)", bucket) for word in container["args"]]
        return [str(node) if word == "/models" else word.replace("=/models", f"={node}") for word in words]

    assert CliRunner().invoke(main, as_in(pod["fetch-models"])).exit_code == 1  # nothing is published yet
    for job, graph in (("a", LOADABLE), ("b", "no graph"), ("c", LOADABLE)):
        fetch(bucket, tmp_path / job, [MODEL])
        publish_version(tmp_path / job, graph)
        deliver(bucket, tmp_path / job, MODEL)
    assert CliRunner().invoke(main, as_in(pod["fetch-models"])).exit_code == 0
    assert CliRunner().invoke(main, as_in(pod["check-models"])).exit_code == 0
    assert numbers(node) == [1, 3]

    command = [*PLUMBLINE, *(word.replace("=30", "=1") for word in as_in(pod["follow-store"]))]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as follower:
        try:
            publish_version(tmp_path / "c", LOADABLE)
            deliver(bucket, tmp_path / "c", MODEL)
            wait_for(lambda: (node / MODEL / "4").exists(), "the new version")
            arguments = [word for word in as_in(containers(manifests, "prune")["prune"]) if "=/etc/" not in word]
            pruned = [word.replace("=5", "=2") for word in arguments if not word.startswith("--gateway")]
            assert CliRunner().invoke(main, pruned).exit_code == 0
            wait_for(lambda: numbers(node) == [3, 4], "the removal of what was pruned, and of nothing else")
        finally:
            follower.terminate()
    assert follower.returncode == 0
    assert place_of(bucket).numbers(MODEL) == [3, 4]
    assert [path.name for path in (node / MODEL / ".quarantine").iterdir()] == ["2"]
