import math
from dataclasses import replace

import numpy as np
import pytest

from serving.contract.heads import Interval, Labels, TagSet, Value
from training.data.datasets import Dataset, Part
from training.errors import BadRequest
from training.experiments.targets import check_head, check_targets, made_head
from training.problem_types import BINARY, MULTICLASS, MULTILABEL, QUANTILES, REGRESSION, UNIT_REGRESSION
from training.task import Question


def dataset(train, test=(0, 1)):
    parts = [Part([{"x": 1.0}] * len(targets), np.array(targets)) for targets in (train, test)]
    return Dataset("made up", *parts)


@pytest.mark.parametrize(
    ("problem", "width", "target", "message"),
    [
        (MULTICLASS, 3, -1, "expected a class from 0 to 2, got -1"),
        (MULTICLASS, 3, 3, "expected a class from 0 to 2, got 3"),
        (MULTICLASS, 3, 1.5, r"expected a class from 0 to 2, got 1\.5"),
        (BINARY, 1, 2, "expected 0 or 1, got 2"),
        (UNIT_REGRESSION, 1, 1.2, r"expected a number from 0 to 1, got 1\.2"),
        (REGRESSION, 1, math.nan, r"expected a finite number of at most 1e\+18, got nan"),
        (REGRESSION, 1, 8e38, r"expected a finite number of at most 1e\+18, got 8e\+38"),
        (REGRESSION, 1, math.inf, r"expected a finite number of at most 1e\+18, got inf"),
    ],
)
def test_a_target_that_the_problem_cannot_have_is_named_with_its_part_and_row(problem, width, target, message):
    fine = dataset([0, 1, 0, 1])
    check_targets(problem, width, fine, "answer")
    wrong = dataset([0, 1, target, 1])
    with pytest.raises(BadRequest, match=f"target of training row 2: {message}"):
        check_targets(problem, width, wrong, "answer")
    with pytest.raises(BadRequest, match=f"target of test row 2: {message}"):
        check_targets(problem, width, replace(fine, test=wrong.train), "answer")


def test_each_label_of_several_is_checked():
    check_targets(MULTILABEL, 2, dataset([[0, 1], [1, 1]], [[0, 0]]), "answer")
    with pytest.raises(BadRequest, match="target of training row 1: expected 0 or 1, got 3"):
        check_targets(MULTILABEL, 2, dataset([[0, 1], [3, 1]], [[0, 0]]), "answer")


def test_targets_that_are_texts_are_refused():
    with pytest.raises(BadRequest, match="targets of the training rows: expected numbers, got <U3"):
        check_targets(MULTICLASS, 2, dataset(["cat", "dog"]), "answer")


@pytest.mark.parametrize(
    ("problem", "head", "message"),
    [
        (QUANTILES, Value("m"), "mass: expected Interval for the problem 'quantile_regression', got Value"),
        (MULTILABEL, Labels(("a", "b"), top=2), "mass: expected TagSet for the problem 'multilabel', got Labels"),
        (
            MULTICLASS,
            Labels(("a", "b"), top=2),
            "'multiclass' can't have 1 scores: MULTICLASS takes three labels or more",
        ),
        (BINARY, Labels(("a", "b", "c"), top=2), "'binary' can't have 3 scores"),
    ],
)
def test_a_head_that_the_problem_cannot_have_is_named(problem, head, message):
    with pytest.raises(BadRequest, match=message):
        check_head("mass", problem, head)


@pytest.mark.parametrize(
    ("problem", "head"),
    [
        (QUANTILES, Interval("m", 0.9)),
        (MULTILABEL, TagSet(("a",), (0.5,))),
        (BINARY, Labels(("a", "b"), top=2)),
        (UNIT_REGRESSION, Value("", 0.0, 1.0)),
    ],
)
def test_a_head_that_suits_the_problem_passes(problem, head):
    check_head("mass", problem, head)


@pytest.mark.parametrize(
    ("output", "message"),
    [
        (lambda data: None, r"head 'mass': expected a head such as Labels\(...\) or Value\(...\), got NoneType"),
        (lambda data: TagSet(("a", "b")), "head 'mass': TypeError: .*thresholds"),
        (lambda data: Labels(("a", "a"), top=2), "head 'mass': Misfit: names: expected names that differ"),
        (lambda data: data.nothing, "head 'mass': AttributeError: .*nothing"),
    ],
)
def test_a_head_that_cannot_be_made_is_told_with_its_name(output, message):
    with pytest.raises(BadRequest, match=message):
        made_head("mass", Question(BINARY, output), dataset([0, 1]))


def test_targets_may_be_lists():
    part = Part([{"x": 1.0}] * 2, {"mass": [1.0, 2.0]})

    assert part.targets_of("mass").tolist() == part.rows(np.array([0, 1])).targets_of("mass").tolist() == [1.0, 2.0]
    assert Part([{"x": 1.0}] * 2, [1, 0]).targets_of("answer").dtype.kind == "i"
