import math

import numpy as np
import pytest

from serving.contract import Measures, Reference
from serving.contract.arrays import Array
from serving.monitoring.drift import DRIFT, Verdict, Window, ks, psi, report

RNG = np.random.default_rng(7)


def reference(rows: int = 4000) -> Reference:
    """Of a normal number, and of three categories."""
    measures = Measures(RNG.normal(size=(rows, 1)), {"colour": np.array([0.5, 0.3, 0.2]) * rows})
    return Reference.fit(["size"], measures, {"colour": ["red", "green", "blue"]})


def measures(values: Array, colours: tuple[float, ...] = (0.5, 0.3, 0.2)) -> Measures:
    return Measures(values.reshape(-1, 1), {"colour": np.array(colours) * len(values)})


def test_the_index_is_that_of_its_formula() -> None:
    expected = sum((p - q) * math.log(p / q) for p, q in ((0.7, 0.5), (0.3, 0.5)))
    assert psi([70_000, 30_000], [50_000, 50_000]) == pytest.approx(expected, abs=1e-4)
    assert psi([3, 4], [3, 4]) == 0
    assert 0 < psi([10, 0], [5, 5]) < 10  # an empty bin is no infinity


def test_the_distance_is_the_largest_between_the_distributions() -> None:
    assert ks([1, 1, 2], [2, 1, 1]) == pytest.approx(0.25)
    assert ks([0, 0, 5], [5, 0, 0]) == 1
    assert ks([0, 0], [1, 2]) == 0


def test_windows_add_up_whoever_counted_them() -> None:
    of = reference()
    values = RNG.normal(size=300)
    parts = [Window.of(of, measures(values[part])) for part in (slice(0, 100), slice(100, 250), slice(250, 300))]
    merged = parts[2] + parts[0] + parts[1]
    whole = Window.of(of, measures(values))
    assert report(merged) == report(whole)
    assert np.allclose((whole - parts[0]).counts, (parts[1] + parts[2]).counts)
    assert report(Window.empty(of) + whole) == report(whole)


@pytest.mark.parametrize("rows", [120, 400, 3000])
def test_without_drift_chance_is_exceeded_about_once_in_a_thousand_windows(rows: int) -> None:
    told = [report(Window.of(of := reference(), measures(RNG.normal(size=rows))))[0] for _ in range(1500)]
    assert of.columns[0].counts[0] == pytest.approx(400, abs=2)
    exceeded = sum(feature.psi > feature.chance for feature in told)
    assert exceeded <= 8  # of a binomial with 1.5 expected, more come once in fifty thousand times
    assert {feature.verdict for feature in told} <= {Verdict.STABLE, Verdict.WATCH}


def test_a_shift_is_told_and_where() -> None:
    of = reference()
    size, colour = report(Window.of(of, measures(RNG.normal(loc=1.5, size=200))))
    assert (size.feature, size.verdict) == ("size", Verdict.DRIFT)
    assert size.ks is not None
    assert size.ks > 0.4
    assert (colour.feature, colour.verdict, colour.ks) == ("colour", Verdict.STABLE, None)
    size, colour = report(Window.of(of, measures(RNG.normal(size=500), (0.1, 0.1, 0.8))))
    assert (size.verdict, colour.verdict) == (Verdict.STABLE, Verdict.DRIFT)


def test_a_small_shift_is_watched() -> None:
    size, _ = report(Window.of(reference(), measures(RNG.normal(loc=0.45, size=20_000))))
    assert size.verdict == Verdict.WATCH


@pytest.mark.parametrize("rows", [0, 1, 40])
def test_a_window_says_when_it_is_too_small(rows: int) -> None:
    size, _ = report(Window.of(reference(), measures(np.full(rows, 99.0))))
    assert size.chance > DRIFT
    assert size.verdict == Verdict.TOO_FEW


def test_a_small_reference_is_too_small_for_any_window() -> None:
    size, _ = report(Window.of(reference(rows=12), measures(RNG.normal(size=10_000))))
    assert size.verdict == Verdict.TOO_FEW


def test_missing_and_unseen_values_are_shares_of_the_rows() -> None:
    of = reference()
    values = np.array([math.nan, 50.0, -50.0, 0.0])
    size, _ = report(Window.of(of, measures(values)))
    assert (size.missing, size.outside) == (0.25, 0.5)
    assert Window.of(of, measures(values)).counts[0, : of.width].sum() == 3
