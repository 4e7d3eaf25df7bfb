from math import log

import numpy as np
import pytest

from serving.capacity.queue_theory import Station, service_times


@pytest.mark.parametrize(
    ("offered", "cpus", "waiting"),
    [(0.5, 1, 0.5), (1.0, 2, 0.3333), (2.0, 3, 0.4444), (8.0, 10, 0.4092), (1.0, 1, 1.0), (5.0, 2, 1.0)],
)
def test_the_share_that_waits_is_that_of_erlang_s_tables(offered: float, cpus: int, waiting: float) -> None:
    assert Station(offered, 1.0, cpus).waiting == pytest.approx(waiting, abs=1e-4)


def test_one_processor_at_half_its_rate_holds_one_request_on_average() -> None:
    half = Station(rate=50, seconds=0.01, cpus=1)

    assert half.busy == 0.5
    assert half.wait == pytest.approx(0.01)
    assert half.inside == pytest.approx(1.0)


def test_equal_requests_wait_half_as_long_as_those_that_vary() -> None:
    assert Station(50, 0.01, 1, variation=0.0).wait == pytest.approx(0.005)


def test_drawn_times_have_the_percentile_of_the_formula() -> None:
    drawn = Station(rate=50, seconds=0.01, cpus=1).draw(np.random.default_rng(1), 400_000)

    assert np.quantile(drawn, 0.99) == pytest.approx(log(100) / (100 - 50), rel=0.02)


@pytest.mark.parametrize("variation", [0.0, 0.5, 1.0, 2.0])
def test_the_times_of_work_have_the_mean_and_the_variation_that_are_asked_for(variation: float) -> None:
    times = service_times(np.random.default_rng(1), 0.01, variation, 400_000)

    assert times.mean() == pytest.approx(0.01, rel=0.02)
    assert times.std() / times.mean() == pytest.approx(variation, abs=0.02)
