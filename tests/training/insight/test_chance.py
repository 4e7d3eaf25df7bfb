import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from training.insight.chance import bootstrap, holm, larger_by_lot, same_source


def test_holm_is_statsmodels_holm():
    p = np.random.default_rng(1).beta(0.2, 3, 40)

    expected = multipletests(p, 0.05, "holm")[0]

    assert 0 < expected.sum() < 40
    assert holm(p, 0.05).tolist() == expected.tolist()
    assert holm([], 0.05).tolist() == []


def test_counts_are_compared_as_the_chi_squared_test_compares_them():
    one, other = np.array([60, 30, 10, 0]), np.array([110, 60, 30, 0])

    p = same_source(one, other, 9_999)

    assert p == pytest.approx(stats.chi2_contingency([one[:3], other[:3]]).pvalue, abs=0.02)
    assert same_source(one, one, 99) == 1


def test_a_group_is_compared_with_lots_as_fisher_s_exact_test_does():
    wrong, inside = np.arange(200) % 4 == 0, np.arange(200) % 10 < 5
    wrong[inside & (np.arange(200) % 40 == 1)] = True

    (p,) = larger_by_lot(wrong.astype(float), inside[None], 9_999)
    (by_row,) = larger_by_lot(wrong * 3.0, inside[None], 9_999)

    table = [[(wrong & inside).sum(), (~wrong & inside).sum()], [(wrong & ~inside).sum(), (~wrong & ~inside).sum()]]
    assert p == pytest.approx(stats.fisher_exact(table, "greater").pvalue, abs=0.02)
    assert by_row == pytest.approx(p, abs=0.02)
    assert 0.01 < p < 0.5


def test_the_bootstrap_s_interval_of_a_mean_is_about_the_normal_one():
    values = np.random.default_rng(2).normal(5, 2, 400)

    low, high = bootstrap(lambda rows: values[rows].mean(axis=-1), 400, 500)

    assert (low, high) == pytest.approx(stats.norm.interval(0.95, values.mean(), stats.sem(values)), abs=0.03)
