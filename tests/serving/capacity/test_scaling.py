"""Autoscalers by requests in flight alone swing; with a figure that grows with the load they do not."""

import copy
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from serving.capacity.autoscaler import Autoscaler, Figure, Target
from serving.capacity.costs import measured_costs
from serving.capacity.errors import NoAutoscaler
from serving.capacity.scaled_objects import rules_of
from serving.capacity.scaling import follow

FILE = Path(__file__).parents[3] / "k8s" / "components" / "autoscaling" / "gateway.yaml"
DOCUMENT = yaml.safe_load(FILE.read_text())
COSTS = measured_costs("text")
ONE_GATEWAY = 1 / COSTS.gateway_seconds
"""The most requests a second that one processor answers."""


@pytest.fixture
def rules() -> Autoscaler:
    return rules_of(DOCUMENT)


def test_the_rules_are_those_of_the_manifest(rules: Autoscaler) -> None:
    assert (rules.least, rules.most) == (2, 10)
    assert rules.targets == (Target(Figure.IN_FLIGHT, 32, 30), Target(Figure.PROCESSORS, 0.7, 90))
    assert rules.up.window_seconds == 0
    assert rules.down.window_seconds == 300


def test_by_requests_in_flight_alone_the_number_swings(rules: Autoscaler) -> None:
    alone = replace(rules, targets=rules.targets[:1])

    course = follow(alone, COSTS, 1, lambda second: 2.2 * ONE_GATEWAY, 4500)
    assert course.turns(since=900) > 5
    assert sum(share > 0 for share in course.too_many[900:]) > 200


def test_by_both_figures_it_settles_and_a_rise_is_met_within_a_minute(rules: Autoscaler) -> None:
    course = follow(rules, COSTS, 1, lambda second: (1.1 if second < 900 else 2.2) * ONE_GATEWAY, 4500)

    assert set(course.asked[2700:]) == {4}
    assert 900 < course.overloaded_until() <= 960


def test_a_load_that_is_gone_leaves_the_fewest(rules: Autoscaler) -> None:
    course = follow(rules, COSTS, 1, lambda second: 6 * ONE_GATEWAY if second < 900 else 0.0, 2700)

    assert max(course.asked) >= 9
    assert course.asked[-1] == course.ready[-1] == 2


@pytest.mark.parametrize(
    ("place", "value", "problem"),
    [
        (("kind",), "Deployment", "expected the kind ScaledObject, got 'Deployment'"),
        (("spec", "minReplicaCount"), 0, "expected at least 1, got 0"),
        (("spec", "triggers", 0, "metadata", "threshold"), "0", "threshold 0.0"),
        (("spec", "triggers", 0, "metadata", "threshold"), "nan", "threshold nan"),
        (("spec", "triggers", 0, "metadata", "query"), "up", "the query 'up' is unknown"),
        (("spec", "advanced"), None, "expected a ScaledObject like that of k8s/components/autoscaling"),
    ],
)
def test_another_document_is_refused_with_what_was_expected(place: tuple[Any, ...], value: Any, problem: str) -> None:
    document = copy.deepcopy(DOCUMENT)
    inner = document
    for name in place[:-1]:
        inner = inner[name]
    inner[place[-1]] = value

    with pytest.raises(NoAutoscaler, match=problem):
        rules_of(document)


@pytest.mark.parametrize("document", [None, [], "x", {}, json.loads("1e400")])
def test_what_is_no_object_is_refused(document: Any) -> None:
    with pytest.raises(NoAutoscaler, match="expected a ScaledObject"):
        rules_of(document)
