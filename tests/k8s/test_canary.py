"""Canaries in a cluster: who may change the weights, and how gateways come to them."""

from typing import Any

import pytest

from tests.k8s.manifests import OVERLAYS, Manifests, manifests_of

MOUNTED = "/etc/plumbline-weights/weights"
DOCUMENT = "plumbline-weights"
ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"


@pytest.fixture(params=OVERLAYS, scope="module")
def slow(request: pytest.FixtureRequest) -> Manifests:
    return manifests_of(f"{request.param}+components/canary")


@pytest.fixture(params=OVERLAYS, scope="module")
def fast(request: pytest.FixtureRequest) -> Manifests:
    return manifests_of(f"{request.param}+all")


def volumes(spec: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {volume["name"]: volume for volume in spec["volumes"]}


def mounts(container: dict[str, Any]) -> dict[str, str]:
    return {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}


def test_one_account_may_change_one_config_map_and_nobody_more(fast: Manifests) -> None:
    rights = {role["metadata"]["name"]: role["rules"] for role in fast.of("Role", "ClusterRole")}
    held = {
        binding["roleRef"]["name"]: [(each["kind"], each["name"]) for each in binding["subjects"]]
        for binding in fast.of("RoleBinding", "ClusterRoleBinding")
    }
    only = {"apiGroups": [""], "resources": ["configmaps"], "resourceNames": [DOCUMENT]}

    assert rights == {"canary": [{**only, "verbs": ["get", "patch"]}], "weights": [{**only, "verbs": ["get"]}]}
    assert held == {"canary": [("ServiceAccount", "canary")], "weights": [("ServiceAccount", "gateway")]}
    assert not fast.of("ClusterRole", "ClusterRoleBinding")


def test_tokens_are_where_they_are_used_and_nowhere_else(fast: Manifests) -> None:
    with_token = set()
    for pod in fast.pods():
        projected = {name for name, volume in volumes(pod.spec).items() if "projected" in volume}
        for container in pod.containers:
            if projected & set(mounts(container).values()):
                assert mounts(container)[ACCOUNT] in projected
                with_token.add((pod.name, container["name"]))
    assert with_token == {("canary", "canary"), ("gateway", "weights")}


def test_the_document_is_not_among_what_is_applied(slow: Manifests, fast: Manifests) -> None:
    """Every apply would set the weights back."""
    for manifests in (slow, fast):
        assert DOCUMENT not in manifests.names("ConfigMap")


def test_gateways_follow_the_mounted_config_map(slow: Manifests) -> None:
    pod = slow.pod("gateway")
    (gateway,) = pod.containers

    assert {"name": "CANARY_FILE", "value": MOUNTED} in gateway["env"]
    assert volumes(pod.spec)[mounts(gateway)["/etc/plumbline-weights"]]["configMap"] == {"name": DOCUMENT}
    assert not any("subPath" in mount for mount in gateway["volumeMounts"]), "which is never brought up to date"


def test_or_the_copy_that_a_container_beside_them_keeps(fast: Manifests) -> None:
    pod = fast.pod("gateway")
    gateway, *_ = pod.spec["containers"]
    (beside,) = [each for each in pod.spec["initContainers"] if each["name"] == "weights"]
    document = volumes(pod.spec)[mounts(gateway)["/etc/plumbline-weights"]]

    assert "emptyDir" in document
    assert "configMap" not in document
    assert mounts(beside)["/weights"] == document["name"]
    assert "--file=/weights/weights" in beside["args"]
    assert beside["startupProbe"]["exec"]["command"] == ["test", "-f", "/weights/weights"]
    assert (beside["restartPolicy"], beside["image"]) == ("Always", gateway["image"])


def test_canaries_run_only_when_somebody_makes_a_job(slow: Manifests) -> None:
    assert slow.get("CronJob", "canary")["spec"]["suspend"] is True
