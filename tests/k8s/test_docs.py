"""docs/kubernetes.md: there is no cluster to run its commands on, but what they name is there."""

import re
import shlex
import subprocess

import pytest
import yaml

from tests.k8s.manifests import K8S, KUBECTL, OVERLAYS, Manifests, manifests_of, parse, render_with
from tests.test_readme import KUBERNETES

PAGE = (K8S.parent / "docs" / "kubernetes.md").read_text()

IMAGES = r"plumbline-\w+:[\d.]+"
KINDS = {"cronjob": "CronJob", "deployment": "Deployment", "service": "Service"}


@pytest.mark.parametrize("command", KUBERNETES)
def test_what_a_command_names_is_in_the_manifests(command: str, local: Manifests) -> None:
    words = shlex.split(command)
    named = re.findall(r"\b(cronjob|deployment|service)/([\w-]+)", command)

    for kind, name in named:
        assert name in local.names(KINDS[kind]) | manifests_of("local+all").names(KINDS[kind])
    for namespace in re.findall(r"--namespace=(\S+)", command):
        assert namespace in local.names("Namespace")
    for image in re.findall(IMAGES, command):
        assert image in [pod.containers[0]["image"] for pod in local.pods()]
    for selector in re.findall(r"--selector=(\S+)=(\S+)", command):
        assert [pod for pod in local.pods() if pod.labels.get(selector[0]) == selector[1]]
    if "-k" in words:
        assert (K8S.parent / words[words.index("-k") + 1] / "kustomization.yaml").exists()
    if "port-forward" in words:
        ports = local.get("Service", "gateway")["spec"]["ports"]
        assert int(words[-1].partition(":")[2]) in [port["port"] for port in ports]


@pytest.mark.parametrize("command", [command for command in KUBERNETES if command.startswith("kubectl")])
def test_kubectl_knows_the_command_and_its_options(command: str) -> None:
    _, *words = shlex.split(command.partition(" -- ")[0])
    deepest = {"create": 2, "config": 2, "rollout": 2}.get(words[0], 1) + (words[:2] == ["create", "secret"])
    told = "".join(
        subprocess.run([KUBECTL, *asked], capture_output=True, text=True, check=True).stdout
        for asked in ([*words[:deepest], "--help"], ["options"])
    )

    assert " ".join(words[:deepest]) in told
    options = [word.partition("=")[0] for word in words if word.startswith("-")]
    assert [option for option in options if not re.search(rf"(^| ){option}[=,]", told, re.M)] == []


def test_the_commands_are_those_of_kubernetes() -> None:
    assert len(KUBERNETES) > 15
    assert {command.split()[0] for command in KUBERNETES} == {"kubectl", "kind"}


def test_the_images_are_those_that_the_page_on_images_builds() -> None:
    built = set(re.findall(r"^\$ docker build .* -t (\S+) \.$", (K8S.parent / "docs" / "images.md").read_text(), re.M))
    for overlay in OVERLAYS:
        images = {pod.containers[0]["image"].rpartition("/")[2] for pod in manifests_of(overlay).pods()}
        assert {image for image in images if image.startswith("plumbline-")} <= built


def test_all_images_that_a_small_cluster_needs_of_us_are_loaded(local: Manifests) -> None:
    (load,) = [command for command in KUBERNETES if command.startswith("kind load")]

    ours = {each["image"] for pod in local.pods() for each in pod.containers if each["image"].startswith("plumbline-")}
    assert set(re.findall(IMAGES, load)) == ours


def test_what_most_clusters_need_besides_can_be_added_to_an_overlay() -> None:
    (snippet,) = [it for it in re.findall(r"^```yaml\n(.*?)```", PAGE, re.M | re.S) if "storageClassName" in it]
    manifests = parse(render_with("gpu", yaml.safe_load(snippet)))

    assert {claim["spec"]["storageClassName"] for claim in manifests.of("PersistentVolumeClaim")} == {"shared"}
    assert all(account["imagePullSecrets"] for account in manifests.of("ServiceAccount"))
    assert re.search(r"plumbline-serve@sha256:[0-9a-f]{64}$", manifests.pod("gateway").containers[0]["image"])


def test_all_that_has_to_be_brought_to_a_cluster_without_internet_is_listed() -> None:
    brought = PAGE.partition("### Without internet")[2].partition("\n## ")[0]
    images = {each["image"] for overlay in OVERLAYS for pod in manifests_of(overlay).pods() for each in pod.containers}

    for image in images:
        name = image.rpartition("/")[2].partition(":")[0] if "plumbline-" in image else image
        assert f"`{name}`" in brought, image
    dockerfiles = "".join((K8S.parent / f"Dockerfile.{part}").read_text() for part in ("serve", "train"))
    assert set(re.findall(r"PYTHON_IMAGE=(\S+)", dockerfiles)) <= set(re.findall(r"`(python:\S+)`", brought))


def test_the_model_server_that_is_told_is_that_of_the_manifests(local: Manifests) -> None:
    assert local.pod("model-server").containers[0]["image"] in PAGE
