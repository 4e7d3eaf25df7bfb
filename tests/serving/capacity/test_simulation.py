"""The simulation agrees with what theory knows, and what happens to a plan has the consequences that can be counted."""

import numpy as np
import pytest

from serving.capacity.costs import Costs
from serving.capacity.plan import Load, Plan, Sizes, Tier, make_plan
from serving.capacity.queue_theory import Station
from serving.capacity.simulation import MOST_INSIDE, Scenario, simulate
from serving.gateway.settings import Settings


def calm(requests: int, rate: float) -> Scenario:
    """Nothing happens, for as long as that many requests take."""
    return Scenario("calm", seconds=requests / rate)


def one_gateway(rate: float, cpus: int = 1, variation: float = 1.0) -> Plan:
    """One replica whose requests take 10 ms, so that it keeps up with 100 a second for each processor."""
    costs = Costs(0.01, 0, 100, 0, 5, variation, "a test")
    return Plan(Load(rate, 1.0), costs, Tier("gateways", 1, 0, cpus, 0.01, variation, 100), None)


@pytest.mark.parametrize(
    ("rate", "cpus", "variation"),
    [(30, 1, 1.0), (70, 1, 1.0), (140, 2, 1.0), (320, 4, 1.0), (70, 1, 0.0), (70, 1, 0.5)],
)
def test_requests_wait_as_long_as_theory_says(rate: float, cpus: int, variation: float) -> None:
    trace = simulate(one_gateway(rate, cpus, variation), calm(60_000, rate))

    assert len(trace.came) == pytest.approx(60_000, rel=0.02)
    assert trace.took.mean() == pytest.approx(Station(rate, 0.01, cpus, variation).wait + 0.01, rel=0.05)


def test_the_number_inside_at_any_time_is_that_of_little_s_law() -> None:
    trace = simulate(one_gateway(70), calm(70_000, 70))
    times = np.random.default_rng(2).uniform(0, 1000, 20_000)
    left = np.sort(trace.came + trace.took)
    inside = np.searchsorted(trace.came, times) - np.searchsorted(left, times)

    assert inside.mean() == pytest.approx(70 * trace.took.mean(), rel=0.03)
    assert inside.mean() == pytest.approx(Station(70, 0.01, 1).inside, rel=0.05)


def test_the_percentile_of_two_tiers_is_that_of_the_plan() -> None:
    plan = make_plan(Load(400, 0.08), Costs(0.004, 0.008, 100, 500, 5, 1.0, "a test"), Sizes(2, 3, spare=0))

    trace = simulate(plan, calm(60_000, 400))
    assert [tier.replicas for tier in plan.tiers] == [1, 2]
    assert trace.percentile(99) == pytest.approx(plan.p99_seconds(), rel=0.1)


def test_the_same_seed_gives_the_same_course() -> None:
    first, second, other = (simulate(one_gateway(70), Scenario("calm"), seed).took for seed in (1, 1, 2))

    assert first.tolist() == second.tolist() != other.tolist()


def test_a_burst_that_is_too_much_is_refused_at_the_gateway_s_limit_and_over_soon() -> None:
    burst = Scenario("burst", burst=3, burst_seconds=10)

    trace = simulate(one_gateway(80), burst)
    assert trace.refused.sum() == pytest.approx(10 * (3 * 80 - 100) - MOST_INSIDE, rel=0.1)
    assert not trace.failed.any()
    assert 20 < trace.missed_until(p99_seconds=0.9) < 25


def test_half_of_the_requests_fail_until_the_loss_of_one_of_two_gateways_is_noticed() -> None:
    plan = make_plan(Load(40, 0.1), Costs(0.01, 0, 100, 0, 5, 1.0, "a test"), Sizes(1, 1, spare=1))

    trace = simulate(plan, Scenario("lost node", seconds=90, loses_node=True))
    assert trace.failed.sum() == pytest.approx(50 * 20, rel=0.1)
    assert 59 < trace.missed_until(0.2) <= 60


def test_calls_of_a_lost_model_server_are_answered_by_another() -> None:
    plan = make_plan(Load(20, 0.1), Costs(0.001, 0.01, 100, 0, 5, 1.0, "a test"), Sizes(1, 1, spare=1))
    three_gateways = Tier("gateways", 1, 999, 1, 0.001, 1.0, 100)  # so that the loss of one is hardly felt

    trace = simulate(
        Plan(plan.load, plan.costs, three_gateways, plan.model_servers), Scenario("x", 90, loses_node=True)
    )
    assert trace.failed.sum() <= 5
    assert (trace.took > 1).sum() == pytest.approx(20, abs=10)  # half of two seconds' calls wait longer than one
    assert np.nanmax(trace.took) < 3.1


def test_a_roll_over_takes_a_share_of_the_processors_for_as_long_as_a_load_does() -> None:
    costs = Costs(0.01, 0, 100, 0, load_seconds=10, variation=0.0, source="a test")
    plan = Plan(Load(5, 1.0), costs, Tier("gateways", 1, 0, 1, 0.01, 0.0, 100), None)

    trace = simulate(plan, Scenario("roll-over", rolls_over=True))
    during = (trace.came > 10) & (trace.came < 20)
    assert np.median(trace.took[during]) == pytest.approx(0.02)
    assert np.median(trace.took[~during]) == pytest.approx(0.01)


def test_the_gateway_s_limit_is_that_of_its_settings() -> None:
    assert 2 * (Settings.max_concurrency + Settings.max_queue) == MOST_INSIDE
