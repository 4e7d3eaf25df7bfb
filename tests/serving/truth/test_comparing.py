import pytest

from serving.contract import Answers
from serving.contract.heads import Interval, Labels, TagSet, Value, Values, Vector
from serving.truth.comparing import NoComparison, Outcome, compare, misfit, needed

LABEL = {"label": "positive", "score": 0.9, "scores": {"positive": 0.9, "negative": 0.1}}
TAGS = {"tags": ["red", "old"], "scores": {"red": 0.9, "old": 0.8, "new": 0.1}}
INTERVAL = {"value": 20.5, "low": 18.0, "high": 23.0, "unit": "1000 USD"}
SEVERAL = {"risk": LABEL, "price": {"value": 3.0, "unit": ""}}


@pytest.mark.parametrize(
    ("answer", "truth", "expected"),
    [
        (LABEL, "positive", [Outcome("", "accuracy", 1.0)]),
        (LABEL, "negative", [Outcome("", "accuracy", 0.0)]),
        (TAGS, ["old", "red"], [Outcome("", "exact_match", 1.0), Outcome("", "micro_f1", 4.0, 4.0)]),
        (TAGS, ["red", "new", "far"], [Outcome("", "exact_match", 0.0), Outcome("", "micro_f1", 2.0, 5.0)]),
        ({"value": 3.0, "unit": "m"}, 5, [Outcome("", "mae", 2.0)]),
        (INTERVAL, 18, [Outcome("", "mae", 2.5), Outcome("", "interval_coverage", 1.0)]),
        (INTERVAL, 23.5, [Outcome("", "mae", 3.0), Outcome("", "interval_coverage", 0.0)]),
        ({"values": {"x": 1.0, "y": 2.0}}, {"y": 2.5}, [Outcome("y", "mae", 0.5)]),
        (SEVERAL, {"price": 2.0}, [Outcome("price", "mae", 1.0)]),
        (SEVERAL, {"risk": "positive", "price": 3.0}, [Outcome("risk", "accuracy", 1.0), Outcome("price", "mae", 0.0)]),
        ({"label": LABEL, "value": {"values": {"x": 1.0}}}, {"value": {"x": 1}}, [Outcome("value.x", "mae", 0.0)]),
    ],
)
def test_an_answer_is_compared_with_its_truth(answer, truth, expected) -> None:
    assert compare(answer, truth) == expected
    assert compare(needed(answer), truth) == expected


@pytest.mark.parametrize(
    ("answer", "truth", "told"),
    [
        (LABEL, 1, "expected a label, got 1"),
        (TAGS, "red", "expected a list of tags, got 'red'"),
        (INTERVAL, "20", "expected a finite number, got '20'"),
        ({"values": {"x": 1.0}}, {"z": 1.0}, "expected numbers by name (x), got {'z': 1.0}"),
        (SEVERAL, "positive", "expected truths by head (risk, price), got 'positive'"),
        (SEVERAL, {"other": 1}, "expected truths by head (risk, price), got {'other': 1}"),
        ({"vector": [0.5]}, {"vector": 1}, "expected an answer with label, tags, value, values, got [0.5]"),
    ],
)
def test_a_truth_of_another_kind_is_not_compared(answer, truth, told) -> None:
    with pytest.raises(NoComparison) as error:
        compare(answer, truth)
    assert str(error.value) == told


@pytest.mark.parametrize(
    ("head", "fitting", "wrong", "expected"),
    [
        (Labels(("no", "yes"), 2), "yes", "maybe", "one of no, yes"),
        (TagSet(("a", "b"), (0.5, 0.5)), [], ["a", "a"], "a list of some of a, b, each at most once"),
        (Value("m"), -3, True, "a finite number"),
        (Interval("m", 0.9), 3.5, "3.5", "a finite number"),
        (Values(("x", "y"), ("", "")), {"x": 1}, {}, "an object with numbers for some of x, y"),
    ],
)
def test_a_truth_fits_a_contract_or_is_told_what_is_expected(head, fitting, wrong, expected) -> None:
    assert misfit(Answers.single(head), fitting) is None
    assert misfit(Answers.single(head), wrong) == ((), expected)


def test_what_does_not_fit_is_told_by_head_and_name() -> None:
    heads = {"risk": Labels(("low", "high"), 2), "where": Values(("x", "y"), ("", "")), "text": Vector(2)}
    answers = Answers(heads, {name: name for name in heads})

    assert misfit(answers, {"risk": "low", "where": {"x": 1.0}}) is None
    assert misfit(answers, "low") == ((), "an object with truths of risk, where, text")
    assert misfit(answers, {"where": {"x": "1"}}) == (("where", "x"), "a finite number")
    assert misfit(answers, {"text": 1}) == (
        ("text",),
        "nothing: answers of the kind 'vector' are not compared with a truth",
    )
