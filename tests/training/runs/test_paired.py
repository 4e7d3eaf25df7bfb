import dataclasses

import numpy as np
import pytest

from training.problem_types import BALANCED_BINARY, BINARY, MULTILABEL, QUANTILES, REGRESSION, VALUES
from training.runs import paired as module
from training.runs.paired import Side, paired

RANDOM = np.random.default_rng(3)


def binary(targets, wrong, problem=BINARY) -> Side:
    answers = np.where(np.isin(np.arange(len(targets)), wrong), 1 - targets, targets)
    return Side(problem, targets, answers[:, np.newaxis].astype(np.float32))


def test_classes_are_judged_by_mcnemars_exact_test():
    targets = np.arange(100) % 2

    result = paired(binary(targets, range(20)), binary(targets, range(10, 15)))

    assert (result.only_first, result.only_second) == (0, 15)
    assert result.p == pytest.approx(2 * 0.5**15)
    assert (result.values, result.better, result.by_test) == ((0.8, 0.95), 2, True)
    assert result.intervals[0] == (pytest.approx(0.7112, abs=1e-4), pytest.approx(0.8666, abs=1e-4))  # Wilson's
    assert result.difference == pytest.approx(0.15)
    assert result.difference_interval == (pytest.approx(0.08, abs=0.011), pytest.approx(0.22, abs=0.011))


def test_as_many_rows_won_as_lost_tell_nothing():
    targets = np.arange(100) % 2

    result = paired(binary(targets, [1, 2, 3]), binary(targets, [4, 5, 6]))

    assert (result.p, result.better) == (1.0, 0)


def test_values_are_judged_by_an_interval_of_pairs():
    targets = RANDOM.normal(0, 100, 200)
    common = RANDOM.normal(0, 10, 200)  # an error of both, beside which each one's own is small
    sides = [Side(REGRESSION, targets, (targets + common * (1 + more))[:, np.newaxis]) for more in (0.0, 0.05)]

    result = paired(*sides)

    low, high = result.difference_interval
    assert result.better == 1
    assert result.difference / result.values[0] == pytest.approx(0.05)
    assert 0 < low < result.difference < high
    assert result.intervals[0][1] > result.intervals[1][0]  # by themselves the two could not be told apart
    assert result.p is None


@pytest.mark.parametrize(
    ("problem", "width"), [(VALUES, 2), (QUANTILES, 3), (dataclasses.replace(MULTILABEL, thresholds=(0.5, 0.4)), 2)]
)
def test_any_metric_has_intervals_around_it(problem, width):
    columns = problem.columns(width)
    targets = RANDOM.integers(0, 2, (60, columns) if columns else 60).astype(float)
    good, bad = (
        np.clip(targets.reshape(60, -1) * 0.8 + RANDOM.normal(0.1, spread, (60, width)), 0, 1) for spread in (0.05, 0.6)
    )

    result = paired(Side(problem, targets, bad), Side(problem, targets, good))

    assert result.better == 2
    assert result.values[1] == problem.measure(targets, good)
    for value, (low, high) in zip(result.values, result.intervals, strict=True):
        assert low <= value <= high


def test_a_rare_class_counts_in_a_balanced_metric():
    targets = (np.arange(200) < 20).astype(int)
    first, second = (binary(targets, wrong, BALANCED_BINARY) for wrong in (range(100, 118), range(12)))

    result = paired(first, second)

    assert result.values == (pytest.approx(0.95), pytest.approx(0.7))
    assert (result.only_first, result.only_second) == (12, 18)  # by rows the second would win
    assert (result.better, result.by_test) == (1, False)


def test_few_rows_have_no_interval_of_a_mean():
    targets = np.arange(10.0)
    first, second = (Side(REGRESSION, targets, targets[:, np.newaxis] + off) for off in (1.0, 9.0))

    result = paired(first, second)

    assert (result.difference_interval, result.better) == (None, 0)


def test_many_numbers_are_drawn_fewer_times(monkeypatch):
    monkeypatch.setattr(module, "_MOST_NUMBERS", 30_000)

    assert [module._draws(numbers) for numbers in (10, 100, 10**9)] == [2000, 300, 200]
