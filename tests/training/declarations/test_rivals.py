"""What scikit-learn makes of the same rows."""

import sys

import numpy as np
import pytest

from training.data.datasets import Dataset, Part
from training.declarations.declaration import FieldPart
from training.declarations.rivals import rivals_of
from training.problem_types import BINARY, MULTICLASS, STANDARDISED_REGRESSION


def part(rows, seed):
    rng = np.random.default_rng(seed)
    x, kinds = rng.normal(size=rows), rng.choice(["a", "b", "c"], rows)
    instances = [
        {"x": None if row % 9 == 4 else float(x[row]), "kind": None if row % 7 == 3 else str(kinds[row])}
        for row in range(rows)
    ]
    return Part(instances, np.array(np.searchsorted(["a", "b", "c"], kinds)))


FIELDS = {"x": FieldPart("number"), "kind": FieldPart("category")}


def test_classes_of_a_table():
    data = Dataset("t", part(300, 1), part(60, 2), ("a", "b", "c"))
    ((name, scores),) = rivals_of(MULTICLASS, FIELDS)(data).items()

    assert name == "gradient boosting (scikit-learn)"
    assert scores.shape == (60, 3)
    assert MULTICLASS.measure(data.test.targets, scores) > 0.8


def test_a_class_that_only_test_rows_have():
    train = part(300, 1)
    known = train.rows(np.flatnonzero(train.targets != 1))
    ((_, scores),) = rivals_of(MULTICLASS, FIELDS)(Dataset("t", known, part(60, 2), ("a", "b", "c"))).items()

    assert not scores[:, 1].any()


def test_numbers_of_a_table():
    rows = part(300, 1)
    numbers = Part(rows.instances, rows.targets.astype(np.float32) * 100)
    ((_, scores),) = rivals_of(STANDARDISED_REGRESSION, FIELDS)(Dataset("t", numbers, numbers)).items()

    assert STANDARDISED_REGRESSION.measure(numbers.targets, scores) < 30


@pytest.mark.parametrize(("words", "count"), [(["schlecht", "wunderbar"], 1), ([None, None], 0)])
def test_a_text(words, count):
    targets = np.arange(60) % 2
    rows = Part([{"text": words[target] and f"Es war {words[target]}, fand ich."} for target in targets], targets)
    found = rivals_of(BINARY, {"text": FieldPart("text")})(Dataset("t", rows, rows, ("bad", "good")))

    assert [BINARY.measure(targets, scores) for scores in found.values()] == [1.0] * count


def test_without_scikit_learn_there_is_none(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)

    assert rivals_of(MULTICLASS, FIELDS)(Dataset("t", part(30, 1), part(30, 2), ("a", "b", "c"))) == {}
