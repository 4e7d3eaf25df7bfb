import dataclasses

import numpy as np
import pytest

from tests.training.report import records
from training.errors import TrainingError
from training.insight import importance as module
from training.insight.importance import importance

RNG = np.random.default_rng(5)
ROWS = 200
INSTANCES = [{"a": float(a), "b": float(b), "町": "京都"} for a, b in RNG.normal(size=(ROWS, 2))]
FIELDS = ["b", "a", "町"]


def answers(instances):
    return np.array([[row["a"] + 0.1 * row["b"]] for row in instances], np.float32)


def score(instances):
    return {"answer": answers(instances)}


def regression(head_name=""):
    known = answers(INSTANCES)
    run = records.regression()
    return dataclasses.replace(
        run, head_name=head_name, test_instances=INSTANCES, test_targets=known[:, 0], test_scores=known
    )


def test_the_field_that_decides_is_needed_most_and_one_that_is_not_read_not_at_all():
    found = importance([regression()], FIELDS, score)

    needs = found.needs[""]
    assert [need.field for need in needs] == ["a", "b", "町"]
    # The difference of two independent standard normal numbers has a mean size of 2 / sqrt(pi).
    assert needs[0].mean == pytest.approx(2 / np.pi**0.5, rel=0.1)
    assert needs[1].mean == pytest.approx(0.1 * needs[0].mean, rel=0.2)
    assert (needs[2].mean, needs[2].spread) == (0, 0)
    assert 0 < needs[0].spread < 0.2
    assert (found.rows, found.unseen, found.left_out) == (ROWS, (), "")


def test_the_drop_of_accuracy_is_positive_too():
    labels = (answers(INSTANCES) >= 0).astype(int)
    run = records.binary()
    run = dataclasses.replace(
        run, test_instances=INSTANCES, test_targets=labels[:, 0], test_scores=labels.astype(float)
    )

    found = importance([run], FIELDS, lambda instances: {"answer": (answers(instances) >= 0).astype(float)})

    assert found.needs[""][0].mean == pytest.approx(0.5, abs=0.1)


def test_each_head_has_its_own_needs_from_the_same_calls():
    calls = []

    def both(instances):
        calls.append(len(instances))
        return {"mass": answers(instances), "size": answers([{"a": row["b"], "b": row["a"]} for row in instances])}

    other = dataclasses.replace(regression("size"), test_scores=both(INSTANCES)["size"])
    calls.clear()
    found = importance([regression("mass"), other], FIELDS, both)

    assert [found.needs[head][0].field for head in ("mass", "size")] == ["a", "b"]
    assert calls == [5 * ROWS] * 3


def test_a_model_of_one_field_is_not_shuffled():
    found = importance([regression()], ["text"], pytest.fail)

    assert found.left_out.startswith("The model reads one field")


def test_fields_for_which_no_time_is_left_are_named(monkeypatch):
    clock = iter([0.0, 1.0, 16.0])
    monkeypatch.setattr(module.time, "monotonic", lambda: next(clock))

    found = importance([regression()], FIELDS, score)

    assert [need.field for need in found.needs[""]] == ["b"]
    assert found.unseen == ("a", "町")


def test_a_record_that_refuses_shuffled_values_is_told_of():
    def refuse(instances):
        raise TrainingError("end before start")

    assert importance([regression()], FIELDS, refuse).left_out == "Shuffled values are refused: end before start"


def test_a_value_that_is_missing_is_missing_elsewhere_after_the_shuffle():
    rows = [{"a": 1.0}, {"a": 2.0, "b": 3.0}]

    for shuffled in module._shuffled(rows, "b"):
        assert [row["a"] for row in shuffled] == [1.0, 2.0]
        assert sorted("b" in row for row in shuffled) == [False, True]
