import math

import numpy as np
import pytest

from training.report.measures import (
    Bin,
    class_measures,
    confusion_matrix,
    expected_calibration_error,
    log_losses,
    macro_f1,
    regression_measures,
    reliability,
)

TRUE, PREDICTED = np.array([0, 0, 0, 1, 1, 2]), np.array([0, 0, 1, 1, 0, 1])
MATRIX = np.array([[2, 1, 0, 0], [1, 1, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0]])  # nothing is or was taken for class 3


def measured():
    return class_measures("abcd", np.diag(MATRIX), MATRIX.sum(axis=0), MATRIX.sum(axis=1))


def test_the_confusion_matrix_counts_true_by_predicted():
    assert confusion_matrix(TRUE, PREDICTED, 4).tolist() == MATRIX.tolist()


def test_precision_recall_and_f1_of_each_class():
    found = [(each.label, each.precision, each.recall, each.f1, each.support, each.predicted) for each in measured()]

    assert found[0] == ("a", 2 / 3, 2 / 3, 2 / 3, 3, 3)
    assert found[1] == ("b", 1 / 3, 1 / 2, pytest.approx(0.4), 2, 3)
    assert found[2] == ("c", 0, 0, 0, 1, 0)
    assert all(math.isnan(value) for value in found[3][1:4])


def test_macro_f1_is_over_the_classes_that_occur():
    assert macro_f1(measured()) == pytest.approx((2 / 3 + 0.4 + 0) / 3)


def test_the_loss_of_a_row_is_its_cross_entropy_and_stays_finite():
    probabilities = np.array([[0.25, 0.75], [1.0, 0.0], [1.0, 0.0]])

    losses = log_losses(np.array([0, 0, 1]), probabilities)

    assert losses == pytest.approx([math.log(4), 0, -math.log(1e-7)], abs=1e-6)


def test_reliability_sorts_answers_by_confidence():
    confidence, right = np.array([0.5, 0.55, 0.95, 1.0]), np.array([True, False, True, True])

    bins = reliability(confidence, right, bins=2)

    assert bins[0] == Bin(0.0, 0.5, 1, 0.5, 1.0)  # an edge belongs to the bin below
    assert (bins[1].rows, bins[1].confidence, bins[1].accuracy) == (3, pytest.approx(2.5 / 3), pytest.approx(2 / 3))


def test_the_calibration_error_weighs_the_gap_of_each_bin_by_its_rows():
    confidence, right = np.array([0.5, 0.55, 0.95, 1.0]), np.array([True, False, True, True])

    error = expected_calibration_error(reliability(confidence, right, bins=2))

    assert error == pytest.approx(1 / 4 * 0.5 + 3 / 4 * (2.5 / 3 - 2 / 3))


def test_there_are_fifteen_bins_and_the_empty_ones_count_for_nothing():
    bins = reliability(np.array([0.0, 1.0]), np.array([False, True]))

    assert len(bins) == 15
    assert [each.rows for each in bins] == [1, *[0] * 13, 1]
    assert expected_calibration_error(bins) == 0


def test_errors_of_a_regression():
    measures = regression_measures(np.array([1.0, 2.0, 3.0]), np.array([1.0, 4.0, 2.0]))

    assert measures == pytest.approx({"mae": 1.0, "rmse": (5 / 3) ** 0.5, "r2": 1 - 5 / 2})


def test_targets_that_never_vary_have_no_share_of_variance():
    assert math.isnan(regression_measures(np.ones(2), np.zeros(2))["r2"])
