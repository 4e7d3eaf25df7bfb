import math

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from tests.training.report import records
from training.report.results import MAX_MISTAKES, evaluate


def test_a_binary_run():
    evaluation = evaluate(records.binary())

    assert evaluation.measures["accuracy"] == 0.5
    assert evaluation.measures["macro_f1"] == 0.5
    losses = [-math.log(likelihood) for likelihood in (0.9, 0.8, 0.4, 0.1)]
    assert evaluation.measures["log_loss"] == pytest.approx(np.mean(losses), rel=1e-6)
    assert evaluation.confusion.tolist() == [[1, 1], [1, 1]]
    # Each answer has a bin of its own: confidence 0.9 and 0.9 (one of two right), 0.8 (right), 0.6 (wrong)
    assert evaluation.measures["ece"] == pytest.approx((2 * 0.4 + 0.2 + 0.6) / 4, rel=1e-6)


def test_the_worst_mistakes_come_first_and_right_answers_never():
    evaluation = evaluate(records.binary())

    found = [(each.row, each.true, each.answer, round(each.confidence, 3)) for each in evaluation.mistakes]
    assert found == [(3, "negative", "positive", 0.9), (2, "positive", "negative", 0.6)]
    assert evaluation.mistakes[0].loss == pytest.approx(-math.log(0.1), rel=1e-6)
    assert evaluation.wrong == 2


def test_a_score_of_one_half_is_the_second_class_as_in_the_metric():
    evaluation = evaluate(records.binary(test_scores=np.full((4, 1), 0.5)))

    assert evaluation.measures["accuracy"] == np.trace(evaluation.confusion) / 4
    assert evaluation.confusion.tolist() == [[0, 2], [0, 2]]


def test_the_number_of_mistakes_is_limited():
    record = records.multiclass(20)
    record = records.binary(
        **{name: getattr(record, name) for name in ("problem", "head", "test_instances", "test_targets")},
        test_scores=np.roll(record.test_scores, 1, axis=1),
    )

    evaluation = evaluate(record)

    assert len(evaluation.mistakes) == MAX_MISTAKES
    assert evaluation.wrong == 40


def test_a_multilabel_run_counts_each_label():
    evaluation = evaluate(records.multilabel())

    assert evaluation.measures["macro_f1"] == pytest.approx((1 + 2 / 3 + 0) / 3)
    assert evaluation.measures["micro_f1"] == pytest.approx(2 * 3 / (4 + 4))
    assert evaluation.measures["exact_match"] == 0.5
    assert [(each.support, each.predicted, each.recall) for each in evaluation.classes] == [
        (2, 2, 1.0),
        (2, 1, 0.5),
        (0, 1, 0.0),
    ]
    assert evaluation.confusion is None
    assert [(each.row, each.true, each.answer) for each in evaluation.mistakes] == [(3, "b", "none"), (1, "none", "c")]
    assert sum(each.rows for each in evaluation.bins) == 12


def test_a_regression():
    evaluation = evaluate(records.regression())

    assert evaluation.measures == pytest.approx({"mae": 1.5, "rmse": 3.5**0.5, "r2": 1 - 3.5 / 125})
    assert [(each.row, each.true, each.answer, each.loss) for each in evaluation.mistakes] == [
        (3, "40", "37", 3.0),
        (0, "10", "12", 2.0),
        (2, "30", "29", 1.0),
    ]
    assert not evaluation.classes


def test_an_interval_is_measured_by_its_middle_and_its_ends():
    evaluation = evaluate(records.quantiles())

    assert evaluation.measures["pinball"] == records.quantiles().problem.measure(
        records.quantiles().test_targets, records.quantiles().test_scores
    )
    assert (evaluation.measures["coverage"], evaluation.measures["width"]) == (1.0, 4.75)
    assert evaluation.measures["mae"] == pytest.approx(1.5)


def test_several_values_are_measured_each_by_itself():
    record = records.values()
    evaluation = evaluate(record)

    assert [*evaluation.measures] == ["r2"]
    assert {name: measures["mae"] for name, measures in evaluation.values.items()} == pytest.approx(
        {"w": 1.0, "h": 25.0}
    )
    assert evaluation.measures["r2"] == pytest.approx(np.mean([each["r2"] for each in evaluation.values.values()]))
    assert evaluation.mistakes[0].true.startswith("w ")


def test_a_binary_run_has_the_auc_of_scikit_learn():
    rng = np.random.default_rng(0)
    targets, scores = rng.integers(0, 2, 60), rng.integers(0, 8, (60, 1)).astype(np.float32) / 8
    record = records.binary(test_targets=targets, test_scores=scores, test_instances=[{"text": "a"}] * 60)

    assert evaluate(record).measures["auc"] == pytest.approx(roc_auc_score(targets, scores[:, 0]))
    assert math.isnan(evaluate(records.binary(test_targets=np.zeros(4, int))).measures["auc"])
