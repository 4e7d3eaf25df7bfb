"""How far answers of two versions are apart: labels, tags and numbers each in their own way."""

from dataclasses import replace
from typing import Any

import pytest

from serving.contract import Answers, Contract
from serving.contract.differences import Difference, difference, differences
from serving.contract.heads import Head, Interval, Labels, TagSet, Value, Values, Vector
from tests.serving.contracts import tabular_contract


def contract(heads: dict[str, Head], tolerance: float = 1e-3) -> Contract:
    made = Answers(heads, {name: f"scores_{name}" for name in heads})
    return replace(tabular_contract(), answers=made, tolerance=tolerance)


def label(name: str, **scores: float) -> dict[str, Any]:
    return {"label": name, "score": scores[name], "scores": scores}


@pytest.mark.parametrize(
    ("one", "other", "differ", "distance"),
    [
        (label("a", a=0.6, b=0.4), label("a", a=0.6, b=0.4), False, 0.0),
        (label("a", a=0.6, b=0.4), label("a", a=0.9, b=0.1), False, 0.3),
        (label("a", a=0.6, b=0.4), label("b", b=0.7, a=0.3), True, 0.3),
        # What an answer leaves out of its best few has at most the score of the last of them.
        (label("a", a=0.5, b=0.3), label("a", a=0.5, c=0.3), False, 0.0),
        (label("a", a=0.7, b=0.2), label("c", c=0.8, a=0.1), True, 0.6),
    ],
)
def test_labels_differ_if_they_are_others_and_are_as_far_apart_as_their_scores(
    one: Any, other: Any, differ: bool, distance: float
) -> None:
    found = difference(contract({"it": Labels(("a", "b", "c"), top=2)}), one, other)

    assert (found.differ, found.distance) == (differ, pytest.approx(distance))


def test_tags_differ_as_a_set() -> None:
    tags = contract({"it": TagSet(("x", "y"), (0.5, 0.5))})
    scores = {"x": 0.9, "y": 0.6}

    assert difference(tags, {"tags": ["x", "y"], "scores": scores}, {"tags": ["y", "x"], "scores": scores}) == (
        Difference(False, 0.0)
    )
    assert difference(
        tags, {"tags": ["x", "y"], "scores": scores}, {"tags": ["x"], "scores": {"x": 0.9, "y": 0.35}}
    ) == Difference(True, 0.25)


@pytest.mark.parametrize(
    ("one", "other", "differ", "distance"),
    [
        (100.0, 95.0, False, 0.05),
        (90.0, 100.0, True, 0.1),
        (1.0, -1.0, True, 2.0),
        (0.0, 0.0, False, 0.0),
        (0.0001, 0.0009, False, 0.0),  # within the tolerance of parity: no difference to speak of
    ],
)
def test_values_differ_from_a_tenth_of_the_larger_one_on(
    one: float, other: float, differ: bool, distance: float
) -> None:
    found = difference(contract({"it": Value("m")}), {"value": one, "unit": "m"}, {"value": other, "unit": "m"})

    assert (found.differ, found.distance) == (differ, pytest.approx(distance))


def test_of_named_values_the_one_that_is_farthest_apart_counts_and_vectors_count_as_a_whole() -> None:
    values, vector = contract({"it": Values(("a", "b"), ("m", "km"))}), contract({"it": Vector(2)})
    interval = contract({"it": Interval("m", 0.9)})

    assert difference(values, {"values": {"a": 1000.0, "b": 1.0}}, {"values": {"a": 1000.0, "b": 2.0}}).distance == 0.5
    assert difference(vector, {"vector": [3.0, 4.0]}, {"vector": [3.0, 3.0]}).distance == pytest.approx(0.2)
    assert not difference(
        interval,
        {"value": 100.0, "low": 0.1, "high": 200.0, "unit": "m"},
        {"value": 100.0, "low": 0.9, "high": 200.0, "unit": "m"},
    ).differ


def test_what_only_one_version_answers_differs_wholly() -> None:
    both = contract({"kind": Labels(("a", "b"), top=2), "size": Value("m")})
    one = {"kind": label("a", a=1.0, b=0.0), "size": {"value": 1.0, "unit": "m"}}

    assert dict(differences(both, one, {"kind": label("a", a=0.9, b=0.1)})) == {
        "kind": Difference(False, pytest.approx(0.1)),
        "size": Difference(True, 1.0),
    }
    assert difference(contract({"it": Vector(2)}), {"vector": [3.0, 4.0]}, {"vector": [3.0]}) == Difference(True, 1.0)
