"""What scikit-learn makes of the same rows."""

import sys

import numpy as np
import pytest

from training.data.datasets import Dataset, Part
from training.declarations.declaration import FieldPart
from training.declarations.rivals import rivals_of
from training.problem_types import BALANCED_BINARY, BINARY, MULTICLASS, MULTILABEL, STANDARDISED_REGRESSION, VALUES


def part(rows, seed):
    rng = np.random.default_rng(seed)
    x, kinds = rng.normal(size=rows), rng.choice(["a", "b", "c"], rows)
    instances = [
        {"x": None if row % 9 == 4 else float(x[row]), "kind": None if row % 7 == 3 else str(kinds[row])}
        for row in range(rows)
    ]
    return Part(instances, np.array(np.searchsorted(["a", "b", "c"], kinds)))


FIELDS = {"x": FieldPart("number"), "kind": FieldPart("category")}


def rivals(problem, fields, data):
    return {name.partition(" (")[0]: scores for name, scores in rivals_of(problem, fields)(data).items()}


@pytest.mark.parametrize(("problem", "labels"), [(BINARY, ("a", "b")), (MULTICLASS, ("a", "b", "c"))])
def test_there_is_none_where_all_training_rows_are_of_one_class(problem, labels):
    train, test = part(100, 1), part(30, 2)
    data = Dataset("t", Part(train.instances, np.zeros(100, int)), Part(test.instances, test.targets % 2), labels)

    assert rivals(problem, FIELDS, data) == {}


def test_classes_of_a_table():
    data = Dataset("t", part(300, 1), part(60, 2), ("a", "b", "c"))
    found = rivals(MULTICLASS, FIELDS, data)

    assert [*found] == ["gradient boosting", "logistic regression"]
    for scores in found.values():
        assert scores.shape == (60, 3)
        assert MULTICLASS.measure(data.test.targets, scores) > 0.8


def test_a_class_that_only_test_rows_have():
    train = part(300, 1)
    known = train.rows(np.flatnonzero(train.targets != 1))
    found = rivals(MULTICLASS, FIELDS, Dataset("t", known, part(60, 2), ("a", "b", "c")))

    assert len(found) == 2
    assert not any(scores[:, 1].any() for scores in found.values())


def test_numbers_of_a_table():
    rows = part(300, 1)
    numbers = Part(rows.instances, rows.targets.astype(np.float32) * 100)
    found = rivals(STANDARDISED_REGRESSION, FIELDS, Dataset("t", numbers, numbers))

    assert [*found] == ["gradient boosting", "ridge regression"]
    for scores in found.values():
        assert STANDARDISED_REGRESSION.measure(numbers.targets, scores) < 30


def test_tags_and_several_numbers_of_a_table():
    rows = part(300, 1)
    tags = Part(rows.instances, np.stack([rows.targets == 0, rows.targets > 0, rows.targets > 5], axis=1).astype(int))
    values = Part(rows.instances, np.stack([rows.targets, rows.targets * -10.0], axis=1).astype(np.float32))

    tagged = rivals(MULTILABEL, FIELDS, Dataset("t", tags, tags, ("a", "b", "none")))
    assert [*tagged] == ["gradient boosting", "logistic regression"]
    assert all(MULTILABEL.measure(tags.targets, scores) > 0.8 for scores in tagged.values())
    measured = rivals(VALUES, FIELDS, Dataset("t", values, values))
    assert [*measured] == ["gradient boosting", "ridge regression"]
    assert all(VALUES.measure(values.targets, scores) > 0.7 for scores in measured.values())


def test_dates_tags_arrays_and_a_text_beside_a_number():
    rng = np.random.default_rng(3)
    targets = rng.integers(0, 2, 200)
    signs = {
        "day": lambda target: f"20{10 + 5 * target}-03-0{rng.integers(1, 9)}",
        "tags": lambda target: ["red"] if target else ["blue", "old"],
        "window": lambda target: [float(target), None, 2.0][: 2 + int(rng.integers(2))],
        "note": lambda target: f"es war {'gut' if target else 'schlecht'} am Tag {rng.integers(50)}",
    }
    fields = {
        "day": FieldPart("date"),
        "tags": FieldPart("tags"),
        "window": FieldPart("array", {"length": 3}),
        "note": FieldPart("text"),
    }
    for name, sign in signs.items():
        rows = Part([{"x": float(rng.normal()), name: sign(target)} for target in targets], targets)
        data = Dataset("t", rows, rows, ("no", "yes"))
        found = rivals(BINARY, {"x": FieldPart("number"), name: fields[name]}, data)

        assert [*found] == ["gradient boosting", "logistic regression"][name == "note" :]
        assert [BINARY.measure(targets, scores) for scores in found.values()] == [1.0] * len(found), name


def test_rare_classes_count_as_much_if_the_problem_balances():
    rng = np.random.default_rng(4)
    targets = (np.arange(600) % 20 == 0).astype(int)
    rows = Part([{"x": float(x)} for x in rng.normal(targets, 1.0)], targets)
    data = Dataset("t", rows, rows, ("many", "few"))
    plain, balanced = (rivals(problem, {"x": FieldPart("number")}, data) for problem in (BINARY, BALANCED_BINARY))

    for name in plain:
        measure = BALANCED_BINARY.measure
        assert measure(targets, balanced[name]) > measure(targets, plain[name]) + 0.1


def test_of_many_rows_some_are_learned_from_and_all_are_answered(monkeypatch):
    monkeypatch.setattr("training.declarations.rivals.MOST_ROWS", 100)
    data = Dataset("t", part(300, 1), part(230, 2), ("a", "b", "c"))
    found = rivals_of(MULTICLASS, FIELDS)(data)

    assert [*found] == [f"{name} (scikit-learn, 100 rows)" for name in ("gradient boosting", "logistic regression")]
    assert all(MULTICLASS.measure(data.test.targets, scores) > 0.8 for scores in found.values())


def test_photos_have_none():
    rows = Part([{"image": b"", "x": 1.0}] * 4, np.arange(4) % 2)

    assert rivals(BINARY, {"image": FieldPart("image"), "x": FieldPart("number")}, Dataset("t", rows, rows)) == {}


@pytest.mark.parametrize(("words", "count"), [(["schlecht", "wunderbar"], 1), ([None, None], 0)])
def test_a_text(words, count):
    targets = np.arange(60) % 2
    rows = Part([{"text": words[target] and f"Es war {words[target]}, fand ich."} for target in targets], targets)
    found = rivals_of(BINARY, {"text": FieldPart("text")})(Dataset("t", rows, rows, ("bad", "good")))

    assert [BINARY.measure(targets, scores) for scores in found.values()] == [1.0] * count


def test_without_scikit_learn_there_is_none(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)

    assert rivals_of(MULTICLASS, FIELDS)(Dataset("t", part(30, 1), part(30, 2), ("a", "b", "c"))) == {}
