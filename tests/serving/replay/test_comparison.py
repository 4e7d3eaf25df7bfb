"""What is found by comparing two versions, answer by answer."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from serving.captures import Capture
from serving.contract import Answers
from serving.contract.heads import TagSet
from serving.replay.comparison import Comparison
from serving.replay.instances import Asked
from serving.replay.report import to_json
from tests.serving.contracts import tabular_contract, text_contract

TIME = datetime(2026, 11, 29, 10, tzinfo=UTC)


def asked(instance: Any, truth: Any = None, share: float = 1.0, **more: Any) -> Asked:
    capture = Capture(time=TIME, request_id="a", index=0, model="m", version=None, instance=instance, share=share)
    return Asked(replace(capture, **more), "part", 1, truth)


def label(name: str, score: float = 0.9) -> dict[str, Any]:
    other = {"positive": "negative", "negative": "positive"}[name]
    return {"label": name, "score": score, "scores": {name: score, other: 1 - score}}


def test_labels_go_over_into_others_and_count_by_their_share() -> None:
    comparison = Comparison(4, 5, text_contract())
    for _ in range(6):
        comparison.add(asked({"text": "good"}), label("positive"), label("positive", 0.8))
    comparison.add(asked({"text": "bad"}, share=0.25), label("positive"), label("negative"))

    report = to_json("sentiment", comparison)

    assert (report["instances"], report["agreement"]["value"]) == (7, 0.6)
    assert report["heads"]["answer"]["transitions"] == [
        {"from": "positive", "to": "positive", "instances": 6.0},
        {"from": "positive", "to": "negative", "instances": 4.0},
    ]
    (largest,) = report["largest"]
    assert (largest["instance"], largest["distance"]) == ({"text": "bad"}, 0.8)


def test_numbers_shift_and_the_interval_is_of_the_shift() -> None:
    comparison = Comparison(1, 2, tabular_contract())
    for value in range(100, 140):
        instance = {"rooms": 5.0, "age": 1.0}
        comparison.add(asked(instance), {"value": value, "unit": ""}, {"value": value + 1 + value % 2, "unit": ""})

    head = to_json("house_price", comparison)["heads"]["answer"]

    assert head["agreement"]["value"] == 1.0  # each within a tenth
    shift = head["shifts"]["value"]
    assert (shift["mean"], shift["quantiles"]["0.05"], shift["quantiles"]["0.95"]) == (1.5, 1.0, 2.0)
    low, high = shift["interval"]
    assert 1.3 < low < 1.5 < high < 1.7


def test_tags_are_lost_and_won() -> None:
    head = TagSet(("x", "y"), (0.5, 0.5))
    contract = replace(tabular_contract(), answers=Answers.single(head))
    comparison = Comparison(1, 2, contract)
    scores = {"x": 0.6, "y": 0.6}
    comparison.add(asked({}), {"tags": ["x"], "scores": scores}, {"tags": ["y"], "scores": scores})

    (made,) = to_json("m", comparison)["heads"].values()
    steps = {(step["from"], step["to"]) for step in made["transitions"]}

    assert steps == {("x", "(none)"), ("(none)", "y")}


def test_the_slices_that_differ_most_come_first() -> None:
    comparison = Comparison(4, 5, text_contract())
    for number in range(400):
        text = "short" if number % 4 else "a much longer text than the others"
        second = "negative" if len(text) > 9 and number % 8 == 0 else "positive"
        comparison.add(asked({"text": text}), label("positive"), label(second))

    slices = to_json("sentiment", comparison)["slices"]

    assert [(it["field"], it["values"], it["agreement"]["value"]) for it in slices] == [
        ("text", "32 to 63 characters", 0.5)
    ]


def test_which_is_right_more_often_is_told_by_the_pairs_of_which_one_alone_is() -> None:
    comparison = Comparison(4, 5, text_contract())
    right, wrong = label("positive"), label("negative")
    for first, second in [(right, right)] * 50 + [(right, wrong)] * 12 + [(wrong, right)]:
        comparison.add(asked({"text": "x"}, truth="positive"), first, second)
    comparison.add(asked({"text": "x"}, truth=3.5), label("positive"), label("positive"))

    truth = to_json("sentiment", comparison)["truth"]

    (measure,) = truth["measures"]
    assert (truth["instances"], truth["incomparable"]) == (63, 1)
    assert (measure["first"]["value"], measure["second"]["value"]) == (62 / 63, 51 / 63)
    assert (measure["first_better"], measure["second_better"]) == (12, 1)
    assert measure["p"] == pytest.approx(2 * 14 / 2**13)
    assert measure["second_is_worse"]


def test_errors_are_compared_by_their_signs_and_their_mean() -> None:
    comparison = Comparison(4, 5, tabular_contract())
    for number in range(40):
        truth = 100.0 + number
        answers = ({"value": truth + error, "unit": ""} for error in (2.0, -1.0))
        comparison.add(asked({"rooms": 1.0, "age": 1.0}, truth=truth), *answers)

    (measure,) = to_json("house_price", comparison)["truth"]["measures"]

    assert (measure["measure"], measure["first"]["value"], measure["second"]["value"]) == ("mae", 2.0, 1.0)
    assert (measure["difference"], measure["first_better"], measure["second_better"]) == (-1.0, 0, 40)
    assert not measure["second_is_worse"]


def test_what_a_version_answered_then_is_compared_with_what_it_answers_now() -> None:
    comparison = Comparison(4, 5, text_contract())
    for recorded in ("positive", "negative"):
        comparison.add(asked({"text": "x"}, version=5, answer=label(recorded)), label("positive"), label("positive"))

    reproduced = to_json("sentiment", comparison)["reproduced"]

    assert {version: it["value"] for version, it in reproduced.items()} == {"5": 0.5}


def test_objections_are_counted_by_version() -> None:
    comparison = Comparison(4, 5, text_contract())
    comparison.add(asked({"text": 3}), "text: expected a text", "text: expected a text")
    comparison.add(asked({"text": None}), label("positive"), "text: expected a text")

    assert to_json("sentiment", comparison)["rejected"] == {"4 and 5": 1, "5": 1}
    assert comparison.problems == [
        "part: line 1: version 4 and 5: text: expected a text",
        "part: line 1: version 5: text: expected a text",
    ]
