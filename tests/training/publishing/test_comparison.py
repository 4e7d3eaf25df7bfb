import math
import time

import numpy as np
import pytest

from training.problem_types import BINARY, MULTICLASS, MULTILABEL, REGRESSION
from training.publishing.comparison import compare, mcnemar, sign_flip


@pytest.mark.parametrize(("only_live", "only_new"), [(0, 0), (1, 0), (0, 1), (5, 5), (9, 2), (2, 9), (40, 22)])
def test_mcnemar_counts_the_outcomes_of_as_many_coins(only_live, only_new):
    rows = only_live + only_new
    ways = [math.comb(rows, heads) / 2**rows for heads in range(rows + 1)]

    assert mcnemar(only_live, only_new) == pytest.approx(sum(ways[only_live:]) - ways[only_live] / 2)


def test_mcnemar_of_a_hundred_thousand_rows_is_a_number():
    assert mcnemar(50_500, 49_500) == pytest.approx(0.5 * math.erfc(1000 / math.sqrt(2 * 100_000)), rel=0.01)


def test_sign_flip_agrees_with_all_outcomes():
    worse = np.array([3.0, -1.0, 2.0, 0.5, 1.5, -0.25])
    signs = np.array(np.meshgrid(*[[-1, 1]] * len(worse))).reshape(len(worse), -1).T

    assert sign_flip(worse) == pytest.approx(np.mean(signs @ np.abs(worse) >= worse.sum()), abs=0.02)


def test_sign_flip_says_the_same_each_time_and_nothing_of_equal_models():
    worse = np.random.default_rng(1).normal(0.05, 1, 500)

    assert sign_flip(worse) == sign_flip(worse)
    assert sign_flip(np.zeros(50)) == 1


def test_a_million_rows_take_seconds():
    started = time.monotonic()
    better, worse = (np.random.default_rng(1).normal(mean, 1, 1_000_000) for mean in (-0.003, 0.003))

    assert sign_flip(worse) < 0.01 < 0.99 < sign_flip(better)
    assert time.monotonic() - started < 60


def test_right_and_wrong_are_compared_row_by_row():
    targets = np.arange(100) % 2
    live = targets[:, None].astype(np.float32)
    new = live.copy()
    new[:10] = 1 - new[:10]

    compared = compare(3, BINARY, targets, new, live)

    assert (compared.version, compared.rows, compared.new, compared.live) == (3, 100, 0.9, 1.0)
    assert compared.test == "McNemar's test"
    assert compared.p == pytest.approx(0.5**11)
    assert compared.significant
    assert not compare(3, BINARY, targets, live, new).significant


def test_the_same_share_of_other_rows_is_no_difference():
    targets = np.arange(60) % 3
    right, wrong = np.eye(3)[targets], np.eye(3)[(targets + 1) % 3]
    one = np.where(np.arange(60)[:, None] < 30, right, wrong)
    other = np.where(np.arange(60)[:, None] < 30, wrong, right)

    assert compare(1, MULTICLASS, targets, one, other).p == pytest.approx(0.5)


@pytest.mark.parametrize(("problem", "shape"), [(REGRESSION, (200,)), (MULTILABEL, (200, 4))])
def test_errors_and_sets_of_labels_are_compared_by_their_size(problem, shape):
    rng = np.random.default_rng(0)
    targets = rng.integers(0, 2, shape)
    live = rng.normal(targets, 0.3).reshape(200, -1)
    new = rng.normal(targets, 0.6).reshape(200, -1)

    compared = compare(1, problem, targets, new, live)

    assert compared.test == "sign-flip test"
    assert compared.significant
    assert not compare(1, problem, targets, live, new).significant
    assert not compare(1, problem, targets, new, new).significant


def test_a_costs_mean_is_the_metric():
    targets, scores = np.array([1.0, 2.0]), np.array([[1.5], [4.0]])

    assert REGRESSION.costs(targets, scores).mean() == REGRESSION.measure(targets, scores) == 1.25
    assert MULTICLASS.costs(np.array([0, 1]), np.eye(2)).tolist() == [0, 0]
