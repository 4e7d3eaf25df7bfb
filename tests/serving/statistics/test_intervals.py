"""Intervals, against what SciPy and statsmodels compute."""

import pytest

from serving.statistics.intervals import Sums, mean_interval, share_interval, student

ERRORS = (1.5, 0.2, 3.1, 0.7, 0.9, 12.4, 2.2, 0.1)


def sums(rows: list[tuple[float, float, float]]) -> Sums:
    """Add up rows of weight, value and what it is a part of."""
    return Sums(
        len(rows),
        sum(w * p for w, v, p in rows),
        sum(w * v for w, v, p in rows),
        sum(w * w * v * v for w, v, p in rows),
        sum(w * w * v * p for w, v, p in rows),
        sum(w * w * p * p for w, v, p in rows),
    )


@pytest.mark.parametrize(
    ("right", "answers", "expected"),
    [
        (9, 10, (0.5958499732047614, 0.982123786904927)),
        (0, 5, (0.0, 0.43448246478317487)),
        (5, 5, (0.5655175352168252, 1.0)),
        (871, 1000, (0.8487959904982232, 0.890364554705495)),
    ],
)
def test_a_share_has_wilsons_interval(right, answers, expected) -> None:
    rows = [(1.0, 1.0, 1.0)] * right + [(1.0, 0.0, 1.0)] * (answers - right)

    assert share_interval(sums(rows)) == pytest.approx(expected, abs=1e-12)


def test_weighted_answers_count_as_fewer() -> None:
    rows = [(1.0, 1.0, 1.0)] * 10 + [(1.0, 0.0, 1.0)] * 40 + [(10.0, 1.0, 1.0)] * 43 + [(10.0, 0.0, 1.0)] * 7

    low, high = share_interval(sums(rows))

    # 440 of 550; statsmodels' interval of that share for (50 + 500)² / (50 + 5000) = 59.9 answers.
    assert (low, high) == pytest.approx((0.6820739115901912, 0.8817668988669046), abs=1e-12)


def test_a_mean_has_students_interval_which_does_not_go_below_nothing() -> None:
    shifted = sums([(1.0, error + 10, 1.0) for error in ERRORS])

    assert mean_interval(shifted) == pytest.approx((9.231896442499965, 16.043103557500036), abs=2e-3)
    assert mean_interval(sums([(1.0, error, 1.0) for error in ERRORS])) == pytest.approx((0.0, 6.0431), abs=2e-3)


def test_a_weighted_mean_has_the_interval_of_weighted_least_squares() -> None:
    weights = (1.0, 10.0, 1.0, 10.0, 1.0, 1.0, 10.0, 1.0)

    found = sums([(weight, error, 1.0) for weight, error in zip(weights, ERRORS, strict=True)])

    assert found.estimate == pytest.approx(1.4)
    assert mean_interval(found) == pytest.approx((0.0, 2.813184034443469), abs=1e-3)  # HC1, with t of 7 degrees


@pytest.mark.parametrize(
    ("degrees", "expected"), [(4, 2.7764451051977934), (9, 2.262157162798205), (1000, 1.9623390808264083)]
)
def test_students_quantile_is_near_enough(degrees, expected) -> None:
    assert student(degrees) == pytest.approx(expected, rel=1e-3)


def test_too_few_answers_have_no_interval_of_a_mean() -> None:
    rows = [(1.0, error, 1.0) for error in ERRORS]

    assert mean_interval(sums(rows[:4])) is None
    assert mean_interval(sums(rows[:5])) is not None
