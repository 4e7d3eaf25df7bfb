"""Every object is what its kind's schema says, without a field that the schema lacks."""

import copy
import json
from typing import Any

import kubernetes_validate
import pytest
from cloudcoil.models.keda import v1alpha1 as keda
from cloudcoil.models.prometheus_operator import v1 as prometheus_operator

from tests.k8s.manifests import K8S, OVERLAYS, VARIANTS, Manifests, manifests_of

OLDEST = 29
NEWEST = int(kubernetes_validate.latest_version().split(".")[1])

CUSTOM = {
    ("keda.sh/v1alpha1", "ScaledObject"): keda.ScaledObject,
    ("monitoring.coreos.com/v1", "ServiceMonitor"): prometheus_operator.ServiceMonitor,
    ("monitoring.coreos.com/v1", "PodMonitor"): prometheus_operator.PodMonitor,
    ("monitoring.coreos.com/v1", "PrometheusRule"): prometheus_operator.PrometheusRule,
}


WITHOUT = ("gateway.networking.k8s.io/v1", "kueue.x-k8s.io/v1beta2")
"""Groups whose schemas come in no package; what is here was checked against theirs by hand."""


def custom(found: dict[str, Any]) -> Any:
    return CUSTOM.get((found["apiVersion"], found["kind"]))


def check(found: dict[str, Any]) -> None:
    """Check an object of any kind, by the newest schema."""
    if custom(found):
        check_custom(found)
    elif found["apiVersion"] not in WITHOUT:
        kubernetes_validate.validate(found, f"1.{NEWEST}", strict=True)


def check_custom(found: dict[str, Any]) -> None:
    """Raises ValueError for what its schema does not take, and fails for a field that it does not know."""
    known = copy.deepcopy(found)
    known["spec"].get("fallback", {}).pop("behavior", None)  # of KEDA 2.18, newer than the schema
    understood = custom(found).model_validate(known).model_dump(by_alias=True, exclude_unset=True, mode="json")
    assert understood == known


@pytest.fixture(scope="module")
def own() -> list[dict[str, Any]]:
    """Each object of Kubernetes' own kinds once, however many overlays have it."""
    found = [found for variant in VARIANTS for found in manifests_of(variant).objects if not custom(found)]
    found = [each for each in found if each["apiVersion"] not in WITHOUT]
    return list({json.dumps(each, sort_keys=True): each for each in found}.values())


@pytest.mark.parametrize("minor", range(OLDEST, NEWEST + 1))
def test_kubernetes_own_kinds_in_every_version(own: list[dict[str, Any]], minor: int) -> None:
    assert len(own) > 40
    for found in own:
        kubernetes_validate.validate(found, f"1.{minor}", strict=True)


def test_the_newest_version_is_one_that_is_new() -> None:
    assert NEWEST >= 37


def test_the_kinds_that_others_define(manifests: Manifests) -> None:
    for found in filter(custom, manifests.objects):
        check_custom(found)


def test_a_mistake_would_show(manifests: Manifests) -> None:
    deployment = copy.deepcopy(manifests.get("Deployment", "gateway"))
    deployment["spec"]["template"]["spec"]["containers"][0]["readynessProbe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError, match="readynessProbe"):
        kubernetes_validate.validate(deployment, f"1.{NEWEST}", strict=True)

    for found in map(copy.deepcopy, manifests.of("ServiceMonitor")):
        found["spec"]["endpoints"][0]["intervall"] = "15s"
        with pytest.raises(AssertionError):
            check_custom(found)
        found["spec"]["endpoints"][0] = {"interval": "15 seconds"}
        with pytest.raises(ValueError, match="interval"):
            check_custom(found)


def test_every_overlay_is_rendered() -> None:
    assert sorted(folder.name for folder in K8S.glob("overlays/*")) == sorted(OVERLAYS)
