"""What an autoscaler does to gateways when the rate changes, second by second: a model of flows, not of requests."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise

from serving.capacity.autoscaler import SYNC_SECONDS, Autoscaler, Controller, Figure, Target
from serving.capacity.costs import Costs
from serving.capacity.queue_theory import Station
from serving.capacity.simulation import MOST_INSIDE

_READY_SECONDS = 20
"""From a changed number to a pod that answers, on a node that has room and the image."""


@dataclass(frozen=True)
class Course:
    """By second: the replicas that are asked for, those that are ready, the share of requests beyond their reach."""

    asked: tuple[int, ...]
    ready: tuple[int, ...]
    too_many: tuple[float, ...]

    def turns(self, since: int) -> int:
        """Return how often the number went up after it had gone down, or down after up, from second *since* on."""
        ways = [later > now for now, later in pairwise(self.asked[since:]) if later != now]
        return sum(now != later for now, later in pairwise(ways))

    def overloaded_until(self) -> int:
        """Return the end of the last second in which requests were beyond reach, 0 if there was none."""
        return max((second + 1 for second, share in enumerate(self.too_many) if share), default=0)


def follow(rules: Autoscaler, costs: Costs, cpus: int, rate: Callable[[int], float], seconds: int) -> Course:
    """Return the course for a *rate* of requests by second, from the fewest gateways on, of *cpus* processors each."""
    controller = Controller(rules, rules.least)
    asked: list[int] = []
    ready: list[int] = []
    figures: list[Mapping[Figure, float]] = []

    def seen(target: Target) -> float:
        return figures[max(0, len(figures) - 1 - target.later_seconds)][target.figure]

    for second in range(seconds):
        ready.append(min([*asked[-_READY_SECONDS:], controller.replicas]))
        figures.append(_figures(costs, cpus, rate(second), ready[-1]))
        if second % SYNC_SECONDS == 0:
            controller.sync(second, seen)
        asked.append(controller.replicas)
    too_many = (_beyond(costs, cpus, rate(second), count) for second, count in enumerate(ready))
    return Course(tuple(asked), tuple(ready), tuple(too_many))


def _figures(costs: Costs, cpus: int, rate: float, count: int) -> Mapping[Figure, float]:
    """Return the figures of *count* gateways: one that can't keep up has as many requests inside as it lets in."""
    station = Station(rate / count, costs.gateway_seconds, cpus, costs.variation)
    inside = station.inside + station.rate * costs.model_server_seconds if station.busy < 1 else MOST_INSIDE
    return {
        Figure.IN_FLIGHT: count * min(inside, MOST_INSIDE),
        Figure.PROCESSORS: count * cpus * min(station.busy, 1.0),
    }


def _beyond(costs: Costs, cpus: int, rate: float, count: int) -> float:
    reach = count * cpus / costs.gateway_seconds
    return max(0.0, 1 - reach / rate) if rate else 0.0
