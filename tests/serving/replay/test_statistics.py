"""Intervals and quantiles, against values from tables."""

import math
from random import Random

import pytest

from serving.replay import statistics
from serving.replay.statistics import Sample, Tally


def test_what_was_captured_with_a_small_share_weighs_more() -> None:
    tally = Tally()
    for value, share in [(1.0, 1.0)] * 60 + [(0.0, 0.1)] * 4:
        tally.add(value, 1 / share)

    assert tally.mean == 0.6
    low, high = tally.of_share()  # as of 21.7 instances, for 4 tell most of it
    assert (low, high) == (pytest.approx(0.388, abs=0.01), pytest.approx(0.78, abs=0.01))


def test_an_interval_of_a_mean_is_students() -> None:
    tally = Tally()
    for value in range(-10, 15):
        tally.add(float(value), 1.0)

    assert tally.mean == 2.0
    assert tally.of_mean() == (pytest.approx(-1.0379, abs=1e-3), pytest.approx(5.0379, abs=1e-3))
    assert Tally().of_mean() is None


def test_quantiles_are_weighted_and_of_many_a_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statistics, "SAMPLE", 2000)
    few, many, random = Sample(), Sample(), Random(7)
    for value, weight in ((1.0, 1.0), (2.0, 1.0), (3.0, 8.0)):
        few.add(value, weight)
    for _ in range(50_000):
        many.add(random.random(), 1.0)

    assert few.quantiles(0.1, 0.2, 0.21, 1.0) == [1.0, 2.0, 3.0, 3.0]
    assert many.quantiles(0.25)[0] == pytest.approx(0.25, abs=0.05)
    assert math.isnan(Sample().quantiles(0.5)[0])
