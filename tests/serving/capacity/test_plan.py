import pytest

from serving.capacity.costs import Costs
from serving.capacity.errors import NotPossible
from serving.capacity.plan import Load, Sizes, make_plan

COSTS = Costs(0.002, 0.004, 100, 500, 5, 1.0, "a test")
IN_GATEWAY = Costs(0.006, 0.0, 400, 0, 5, 1.0, "a test")
ONE_CPU = Sizes(gateway_cpus=1, model_server_cpus=1, spare=0)


def test_a_loose_target_needs_as_many_as_eight_tenths_of_their_time_can_do() -> None:
    plan = make_plan(Load(400, p99_seconds=10), COSTS, ONE_CPU)

    assert [tier.needed for tier in plan.tiers] == [1, 2]  # 0.8 and 1.6 processors
    assert [tier.memory_mb for tier in plan.tiers] == [100, 1000]


def test_a_tight_target_needs_more_and_holds_without_the_spare_ones() -> None:
    plan = make_plan(Load(4000, p99_seconds=0.03), COSTS, Sizes(1, 1, spare=2))

    assert plan.gateways.needed > 10
    assert plan.gateways.replicas == plan.gateways.needed + 2
    assert plan.p99_seconds() < plan.p99_seconds(with_spare=False) <= 0.03


def test_one_replica_less_misses_a_tight_target() -> None:
    # M/M/1: 99 of 100 leave within ln(100) / (1 / seconds - rate); for 0.05 s that is a rate of 74.5 each.
    plan = make_plan(Load(745, p99_seconds=0.05), IN_GATEWAY, ONE_CPU)

    assert plan.gateways.needed in (10, 11)  # the percentile is drawn
    assert plan.model_servers is None


def test_a_target_below_what_a_request_takes_alone_is_refused_with_what_it_takes() -> None:
    with pytest.raises(NotPossible, match=r"p99 of 5 ms can't be had .* takes 2[01]\.\d ms"):
        make_plan(Load(1, p99_seconds=0.005), COSTS, ONE_CPU)
