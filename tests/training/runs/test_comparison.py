import dataclasses
import json

import numpy as np
import pytest

from serving.contract.heads import Labels
from tests.training.report import records
from tests.training.runs.made import make_older, make_run
from training.problem_types import BALANCED_BINARY
from training.runs import comparison_text
from training.runs.comparison import compare
from training.runs.errors import Incomparable
from training.runs.finding import find
from training.runs.rows_file import FILE
from training.runs.sentences import verdict

NAMES = ("20260101T000000Z", "20260102T000000Z")
TARGETS = np.arange(40) % 2


def answering(wrong, rows=range(40), **changes):
    """A record of *rows*, of which those that are *wrong* are answered wrongly."""
    rows = np.array(rows)
    scores = np.where(np.isin(rows, wrong), 1 - TARGETS[rows], TARGETS[rows]) * 0.8 + 0.1
    return records.binary(
        test_instances=[{"text": f"review {row} " + "good film " * 20} for row in rows],
        test_targets=TARGETS[rows],
        test_scores=scores[:, np.newaxis].astype(np.float32),
        **changes,
    )


def compared(reports, first, second, most=10):
    for name, record in zip(NAMES, (first, second), strict=True):
        make_run(reports, record, name, version=1)
    return compare(find(reports, NAMES[0]), find(reports, NAMES[1]), most)


def test_two_runs_are_compared_on_the_same_rows_in_any_order(tmp_path):
    result = compared(tmp_path, answering(range(10)), answering([10], range(39, -1, -1), seed=2))

    text = comparison_text.as_text(result)

    assert "same rows   0.7500 (0.5981 to 0.8581)  0.9750" in text
    assert "40 test rows are in both, matched by a digest of their instances and by their targets, wherever" in text
    assert "1 row is right in A alone, 10 rows in B alone: McNemar's exact test gives p = 0.012." in text
    assert "settings: seed: 1 -> 2" in text
    assert (
        "From right in A to wrong in B: 1 row\n  row 10 of A, 29 of B: true negative; A negative (0.900); B pos" in text
    )
    assert "    review 10 good film good film" in text
    assert text.splitlines()[-1] == (
        "B is better: accuracy 0.9750 instead of 0.7500 on the same 40 rows, more than chance explains "
        "(McNemar's exact test, p = 0.012)."
    )


def test_a_changed_split_and_changed_labels_are_found_out(tmp_path):
    other = answering([], range(10, 40))
    other = dataclasses.replace(
        other, test_targets=np.where(np.arange(30) < 2, 1 - other.test_targets, other.test_targets)
    )

    text = comparison_text.as_text(compared(tmp_path, answering([]), other))

    assert "28 test rows are in both" in text
    assert "10 rows are in A alone, 0 in B alone" in text
    assert "2 instances are in both with another target" in text


def test_seeds_that_make_no_difference_are_told_as_such(tmp_path):
    result = compared(tmp_path, answering([1, 2]), answering([3], seed=2))

    assert verdict(result) == (
        "These 40 rows can't tell which is better: accuracy is 0.9500 of A and 0.9750 of B, and chance explains such a "
        "difference (McNemar's exact test, p = 1). They differ in the seed alone, so this is what seeds make."
    )


def test_runs_of_different_metrics_are_judged_by_that_of_the_first(tmp_path):
    second = dataclasses.replace(answering([1, 3]), problem=BALANCED_BINARY, folds=[])

    result = compared(tmp_path, answering([1]), second)

    assert result.main.tested.values == (0.975, 0.95)
    assert ("metric", "accuracy", "balanced_accuracy") in [
        (each.name, each.first, each.second) for each in result.differences["settings"]
    ]


def test_the_sample_is_told_as_such(tmp_path):
    result = compared(tmp_path, answering([1], sample=True), answering([1], sample=True))

    assert verdict(result).endswith(
        "The data are the built-in sample, which is made up: that says nothing of real data."
    )


def test_labels_in_another_order_are_the_same_labels(tmp_path):
    first = answering([4])
    turned = dataclasses.replace(
        first,
        head=Labels(("positive", "negative"), top=2),
        test_targets=1 - first.test_targets,
        test_scores=1 - first.test_scores,
    )

    result = compared(tmp_path, first, turned)

    assert result.main.tested.rows == 40
    assert [each.name for each in result.differences["data"]] == ["labels"]
    assert verdict(result) == "Neither is better: on the same 40 rows both have accuracy 0.9750."


def test_the_changes_that_are_told_are_bounded_and_the_worst_come_first(tmp_path):
    second = answering(range(30))
    second.test_scores[7] = 0.001  # a 1

    result = compared(tmp_path, answering([]), second, most=3)

    assert result.main.worse.count == 30
    assert len(result.main.worse.worst) == 3
    assert result.main.worse.worst[0].rows == (7, 7)
    assert "From right in A to wrong in B: 30 rows, the 3 with the largest change" in comparison_text.as_text(result)


@pytest.mark.parametrize("make", [records.multiclass, records.multilabel, records.regression, records.several])
def test_every_kind_of_answer_is_compared(make, tmp_path):
    record = make()

    result = compared(tmp_path, record, record)

    assert [head.why_not for head in result.heads] == [""] * (1 + len(record.others))
    assert verdict(result).startswith("Neither is better: on the same")


def test_an_older_run_is_compared_by_what_it_recorded(tmp_path):
    make_older(tmp_path, answering([1]), NAMES[0])
    make_run(tmp_path, answering([]), NAMES[1])

    result = compare(find(tmp_path, NAMES[0]), find(tmp_path, NAMES[1]), 10)

    assert verdict(result) == (
        "Nothing tells which is better: 20260101T000000Z kept no rows: an older version of Plumbline trained it. Each "
        "on its own test rows, accuracy is A 0.9750 on 40 rows and B 1.000 on 40 rows."
    )


def test_runs_without_a_common_row_are_not_tested(tmp_path):
    result = compared(tmp_path, answering([], range(20)), answering([], range(20, 40)))

    assert "no test row of one is a test row of the other" in verdict(result)


def test_rows_that_contradict_their_metric_are_not_used(tmp_path):
    make_run(tmp_path, answering([1]), NAMES[0])
    folder = make_run(tmp_path, answering([]), NAMES[1])
    other = make_run(tmp_path, answering(range(5)), "20260103T000000Z")
    (folder / FILE).write_bytes((other / FILE).read_bytes())

    result = compare(find(tmp_path, NAMES[0]), find(tmp_path, NAMES[1]), 10)

    assert "the rows of 20260102T000000Z don't give the metric that its metrics.json has" in verdict(result)


def test_runs_of_different_models_or_questions_are_refused(tmp_path):
    make_run(tmp_path, records.binary(), NAMES[0])
    make_run(tmp_path, records.regression(), NAMES[1])
    other = json.loads((tmp_path / "house_price" / NAMES[1] / "metrics.json").read_text()) | {"model": "sentiment"}
    moved = tmp_path / "sentiment" / "20260103T000000Z"
    moved.mkdir()
    (moved / "metrics.json").write_text(json.dumps(other))
    first = find(tmp_path, NAMES[0])

    with pytest.raises(Incomparable, match="sentiment and house_price are different models: expected two runs of one"):
        compare(first, find(tmp_path, NAMES[1]), 10)
    with pytest.raises(Incomparable, match="the runs answer different questions, binary and regression"):
        compare(first, find(tmp_path, "20260103"), 10)
