"""What a plan is put through: an ordinary minute, a burst, a lost node, a roll-over to a new version."""

from collections.abc import Iterator
from dataclasses import dataclass

from serving.capacity.plan import Plan
from serving.capacity.simulation import Scenario, simulate
from serving.capacity.trace import Trace

MOST_SIMULATED = 5000
"""Requests a second, also in a burst: some seconds of computing for all scenarios."""


@dataclass(frozen=True)
class Outcome:
    """What a scenario did to a plan."""

    scenario: Scenario
    trace: Trace
    p99_seconds: float

    @property
    def missed_for(self) -> float:
        """Seconds from the beginning of what happened to the last request that missed the target."""
        return max(0.0, self.trace.missed_until(self.p99_seconds) - self.scenario.begin)


def scenarios(burst: float) -> tuple[Scenario, ...]:
    """Return all scenarios; the burst is of *burst* times the rate."""
    return (
        Scenario("calm"),
        Scenario("burst", burst=burst, burst_seconds=10),
        Scenario("lost node", seconds=90, loses_node=True),
        Scenario("roll-over", rolls_over=True),
    )


def play(plan: Plan, burst: float, seed: int) -> Iterator[Outcome]:
    """Yield the outcome of each scenario."""
    for scenario in scenarios(burst):
        yield Outcome(scenario, simulate(plan, scenario, seed), plan.load.p99_seconds)
