import dataclasses

import numpy as np
import pytest

from serving.contract.heads import Labels, Value, Values
from tests.training.report import records
from training.data.datasets import Part
from training.insight.rows import Looked
from training.insight.slices import slices
from training.problem_types import MULTICLASS, VALUES

RNG = np.random.default_rng(3)
ROWS = 400


def of(fields, wrong, **changes):
    """Return the slices of a binary run with these *fields* that is *wrong* on some rows."""
    instances = [{name: values[row] for name, values in fields.items()} for row in range(ROWS)]
    targets = np.arange(ROWS) % 2
    scores = np.where(np.asarray(wrong), 1 - targets, targets)[:, None].astype(np.float32)
    record = records.binary(**{"test_instances": instances, "test_targets": targets, "test_scores": scores, **changes})
    return slices(record, Looked.at(Part(instances, record.test_targets), {"text": "text"}))


def test_a_slice_that_is_worse_beyond_chance_is_marked_and_comes_first():
    town = [("Oslo", "京都", "Roma", "Kyiv")[row % 4] for row in range(ROWS)]
    wrong = RNG.random(ROWS) < np.where(np.array(town) == "京都", 0.5, 0.1)

    found = of({"town": town, "age": RNG.normal(50, 9, ROWS).tolist()}, wrong)

    first = found.slices[0]
    assert (first.title, first.value, first.rows) == ("town", "京都", 100)
    assert first.metric == pytest.approx(1 - wrong[1::4].mean())
    assert first.low < first.metric < first.high < found.whole == pytest.approx(1 - wrong.mean())
    assert [each.value for each in found.slices if each.worse] == ["京都"]
    assert len(found.slices) == 8


def test_chance_marks_no_slice_though_many_are_looked_at():
    fields = {f"field {number}": RNG.normal(size=ROWS).tolist() for number in range(12)}

    found = of(fields, RNG.random(ROWS) < 0.2)

    assert len(found.slices) == 48
    assert not any(each.worse for each in found.slices)
    assert min(each.p for each in found.slices) < 0.2


def test_numbers_are_cut_at_their_quartiles_and_missing_ones_apart():
    size = [None if row < 40 else float(row) for row in range(ROWS)]

    found = of({"size": size, "flag": [row % 2 for row in range(ROWS)]}, np.arange(ROWS) % 5 == 0)

    names = [(each.title, each.value, each.rows) for each in found.slices]
    assert sorted(names) == [
        ("flag", "0", 200), ("flag", "1", 200),
        ("size", "129.8 to 219.5", 90), ("size", "219.5 to 309.2", 90), ("size", "309.2 and above", 90),
        ("size", "below 129.8", 90), ("size", "missing", 40),
    ]  # fmt: skip


def test_small_slices_and_fields_with_one_value_are_left_out():
    town = ["rare" if row < 19 else "usual" for row in range(ROWS)]

    assert of({"town": town, "constant": [1] * ROWS}, np.zeros(ROWS, bool)).slices == ()


def test_a_regression_is_worse_where_its_errors_are_larger():
    hard = np.arange(ROWS) % 4 == 0
    targets = RNG.normal(100, 10, ROWS).astype(np.float32)
    scores = (targets + RNG.normal(0, np.where(hard, 8, 2)))[:, None].astype(np.float32)
    run = records.regression()
    changes = {name: getattr(run, name) for name in ("problem", "head")} | {"baselines": {"mean": 9.0}}

    found = of(
        {"kind": np.where(hard, "hard", "easy").tolist()}, hard, **changes, test_targets=targets, test_scores=scores
    )

    assert isinstance(run.head, Value)
    assert [(each.value, each.worse) for each in found.slices] == [("hard", True), ("easy", False)]
    assert found.slices[0].low < np.abs(scores[hard, 0] - targets[hard]).mean() < found.slices[0].high


@pytest.mark.parametrize("kind", ["several values", "tags", "balanced"])
def test_every_kind_of_answer_is_sliced_by_its_own_metric(kind):
    targets = RNG.normal(0, 1, (ROWS, 2)).astype(np.float32)
    changes = {
        "several values": {"problem": VALUES, "head": Values(("w", "h"), ("", "")), "test_targets": targets,
                           "test_scores": targets + RNG.normal(0, 0.3, (ROWS, 2)).astype(np.float32)},
        "tags": {"problem": records.multilabel().problem, "head": records.multilabel().head,
                 "test_targets": np.tile([[1, 0, 1], [0, 1, 1]], (ROWS // 2, 1)),
                 "test_scores": RNG.random((ROWS, 3)).astype(np.float32)},
        "balanced": {"problem": dataclasses.replace(MULTICLASS, metric="balanced_accuracy", balances=True),
                     "head": Labels(("a", "b", "c"), top=3), "test_targets": np.arange(ROWS) % 3,
                     "test_scores": RNG.random((ROWS, 3)).astype(np.float32)},
    }[kind]  # fmt: skip

    found = of({"side": [("left", "right")[row % 2] for row in range(ROWS)]}, np.zeros(ROWS, bool), **changes)

    whole = changes["problem"].measure(changes["test_targets"], changes["test_scores"])
    assert found.whole == pytest.approx(whole, abs=1e-6)
    assert [each.low <= each.metric <= each.high for each in found.slices] == [True, True]
