import json

import numpy as np
import pytest

from serving.contract import Answers
from serving.contract.heads import Interval, Labels, TagSet, Value, Values, Vector

SINGLE = [
    Answers.single(head)
    for head in (
        Labels(("a", "b"), top=1),
        TagSet(("a", "b"), (0.5, 0.5)),
        Value("m"),
        Values(("x", "y"), ("m", "s")),
        Interval("m", 0.9),
        Vector(3),
    )
]
SEVERAL = Answers({"kind": Labels(("a", "b"), top=2), "size": Value("m")}, {"kind": "scores", "size": "sizes"})


def test_one_sigmoid_score_is_that_of_the_second_label() -> None:
    answers = Answers.single(Labels(("negative", "positive"), top=2))
    assert answers.make({"scores": np.array([[0.97], [0.25]], np.float32)}) == [
        {"label": "positive", "score": 0.97, "scores": {"positive": 0.97, "negative": 0.03}},
        {"label": "negative", "score": 0.75, "scores": {"negative": 0.75, "positive": 0.25}},
    ]


def test_softmax_scores_are_listed_best_first_down_to_the_top() -> None:
    answers = Answers.single(Labels(("a", "b", "c"), top=2))
    assert answers.make({"scores": np.array([[0.2, 0.7, 0.1]], np.float32)}) == [
        {"label": "b", "score": 0.7, "scores": {"b": 0.7, "a": 0.2}}
    ]


def test_a_value_has_its_unit() -> None:
    answers = Answers.single(Value("$1000"))
    assert answers.make({"scores": np.array([[24.1]], np.float32)}) == [{"value": 24.1, "unit": "$1000"}]


def test_several_heads_answer_under_their_names_and_files_have_them_side_by_side() -> None:
    outputs = {"scores": np.array([[0.25]], np.float32), "sizes": np.array([[3.5]], np.float32)}
    (answer,) = SEVERAL.make(outputs)
    assert answer == {
        "kind": {"label": "a", "score": 0.75, "scores": {"a": 0.75, "b": 0.25}},
        "size": {"value": 3.5, "unit": "m"},
    }
    assert SEVERAL.flat(answer) == {
        "kind_label": "a",
        "kind_score": 0.75,
        "kind_scores": {"a": 0.75, "b": 0.25},
        "size_value": 3.5,
        "size_unit": "m",
    }
    assert [*SEVERAL.columns] == [*SEVERAL.flat(answer)]


@pytest.mark.parametrize(
    ("outputs", "problem"),
    [
        ({}, "expected output 'scores' as float32[1, 1], got nothing"),
        ({"scores": np.zeros((1, 2), np.float32)}, "expected output 'scores' as float32[1, 1], got float32[1, 2]"),
        ({"scores": np.zeros((1, 1))}, "expected output 'scores' as float32[1, 1], got float64[1, 1]"),
        (
            {"scores": np.full((1, 1), np.nan, np.float32), "sizes": np.zeros((1, 1), np.float32)},
            "expected finite numbers of the model, got some that are not for row 0",
        ),
        ({"scores": np.zeros((1, 1), np.float32)}, "expected output 'sizes' as float32[1, 1], got nothing"),
    ],
)
def test_outputs_that_are_not_the_contracts_are_named(outputs: dict[str, np.ndarray], problem: str) -> None:
    assert SEVERAL.problem(outputs, 1) == problem


@pytest.mark.parametrize("answers", [*SINGLE, SEVERAL])
def test_heads_are_written_and_read_back(answers: Answers) -> None:
    assert Answers.from_json(json.loads(json.dumps(answers.to_json()))) == answers


def test_two_heads_may_read_one_output_if_they_agree_on_it() -> None:
    both = Answers({"one": Value("m"), "other": Value("s")}, {"one": "scores", "other": "scores"})
    assert [*both.specs] == ["scores"]
    with pytest.raises(ValueError, match="output 'scores': one takes"):
        Answers({"one": Value("m"), "other": Vector(3)}, {"one": "scores", "other": "scores"})
