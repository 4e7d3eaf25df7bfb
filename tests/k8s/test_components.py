"""Each component by itself on each overlay: what it adds is whole, and stands where the rest does."""

import re
from collections.abc import Callable

import pytest

from tests.k8s import test_references as references
from tests.k8s import test_schemas as schemas
from tests.k8s.manifests import OVERLAYS, SINGLES, Manifests, manifests_of, parse, render

CHECKS: tuple[Callable[[Manifests], None], ...] = (
    references.test_all_stand_in_the_one_namespace,
    references.test_a_workload_selects_its_own_pods_and_no_others,
    references.test_a_service_leads_to_ports_that_its_pods_have,
    references.test_network_policies_name_pods_and_ports_that_are_there,
    references.test_config_maps_claims_secrets_and_accounts_exist,
    references.test_priorities_exist_and_are_those_of_jobs,
    references.test_a_queue_that_jobs_wait_in_is_there,
    references.test_volumes_are_mounted_and_mounts_have_volumes,
    references.test_the_ingress_the_monitors_and_the_autoscaler_lead_to_what_is_there,
)


@pytest.mark.parametrize("variant", SINGLES)
def test_a_component_by_itself_is_whole(variant: str) -> None:
    manifests = manifests_of(variant)

    for check in CHECKS:
        check(manifests)
    without = manifests_of(variant.partition("+")[0]).objects  # which test_schemas.py checks
    for found in (each for each in manifests.objects if each not in without):
        schemas.check(found)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_an_overlays_namespace_is_the_one_place_where_it_is_said(overlay: str) -> None:
    text = render(f"{overlay}+all", namespace="elsewhere")
    manifests = parse(text)

    references.test_all_stand_in_the_one_namespace(manifests)
    assert manifests.names("Namespace") == {"elsewhere"}
    queries = [
        trigger["metadata"]["query"] for it in manifests.of("ScaledObject") for trigger in it["spec"]["triggers"]
    ]
    assert queries
    assert all(re.findall(r'namespace="([^"]+)"', query) == ["elsewhere"] for query in queries)
    assert not re.search(r'namespace=\\?"plumbline|namespace: plumbline', text)
