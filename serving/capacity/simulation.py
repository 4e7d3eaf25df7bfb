"""A simulation of a plan's gateways and model servers, request by request: the same seed gives the same course."""

from dataclasses import dataclass
from functools import partial

import numpy as np

from serving.capacity.events import Clock
from serving.capacity.plan import Plan, Tier
from serving.capacity.queue_theory import Seconds, service_times
from serving.capacity.replicas import Balancer, Replica
from serving.capacity.trace import Trace

MOST_INSIDE = 112
"""Requests for one model in a gateway; more are refused: WORKERS of MAX_CONCURRENCY and MAX_QUEUE each."""

DEADLINE_SECONDS = 5.0
GATEWAY_NOTICED_SECONDS = 50.0
"""Until Kubernetes takes a node that does not answer for lost (since 1.32; it was 40), and its pods out of Services."""

MODEL_SERVER_NOTICED_SECONDS = 3.0
"""Until a gateway's pings have found out, at most; the calls are then made elsewhere."""


@dataclass(frozen=True)
class Scenario:
    """*seconds* of a plan's rate, in which something may happen at *begin*.

    For *burst_seconds* there are *burst* times as many requests. With *loses_node* one gateway and one model server are
    gone; with *rolls_over* every model server loads a new version at the same time.
    """

    name: str
    seconds: float = 60.0
    begin: float = 10.0
    burst: float = 1.0
    burst_seconds: float = 0.0
    loses_node: bool = False
    rolls_over: bool = False


def simulate(plan: Plan, scenario: Scenario, seed: int = 1) -> Trace:
    """Return what became of each request."""
    chance = np.random.default_rng(seed)
    came = _arrivals(chance, plan.load.rate, scenario)
    run = _Run(plan, came, chance)
    if scenario.loses_node:
        run.clock.at(scenario.begin, run.lose_node)
    if scenario.rolls_over:
        run.clock.at(scenario.begin, run.roll_over)
    run.clock.run()
    run.took[run.took > DEADLINE_SECONDS] = np.nan
    return Trace(came, run.took, run.refused)


def _arrivals(chance: np.random.Generator, rate: float, scenario: Scenario) -> Seconds:
    """Return the times of requests that come at random (Poisson): those of the burst come in addition."""

    def between(begin: float, seconds: float, rate: float) -> Seconds:
        return begin + seconds * chance.random(chance.poisson(rate * seconds))

    usual = between(0, scenario.seconds, rate)
    more = between(scenario.begin, scenario.burst_seconds, rate * (scenario.burst - 1))
    return np.sort(np.concatenate([usual, more]))


class _Run:
    def __init__(self, plan: Plan, came: Seconds, chance: np.random.Generator) -> None:
        self.clock = Clock()
        self.took = np.full(len(came), np.nan)
        self.refused = np.zeros(len(came), bool)
        self._load_seconds = plan.costs.load_seconds
        self._came = came
        self._gateways = self._balancer(plan.gateways, GATEWAY_NOTICED_SECONDS)
        self._servers = plan.model_servers and self._balancer(plan.model_servers, MODEL_SERVER_NOTICED_SECONDS)
        self._seconds = [service_times(chance, tier.seconds, tier.variation, len(came)) for tier in plan.tiers]
        self._shares = chance.random((2, len(came)))
        for number, time in enumerate(came):
            self.clock.at(time, self._arrive, number)

    def lose_node(self) -> None:
        """Lose a gateway and a model server."""
        self._gateways.lose_one()
        if self._servers:
            self._servers.lose_one()

    def roll_over(self) -> None:
        """Have all that compute models load one, beside the requests."""
        (self._servers or self._gateways).slow_down(self._load_seconds)

    def _balancer(self, tier: Tier, noticed_seconds: float) -> Balancer:
        replicas = [Replica(self.clock, tier.cpus) for _ in range(tier.replicas)]
        return Balancer(self.clock, replicas, noticed_seconds)

    def _arrive(self, number: int) -> None:
        gateway = self._gateways.pick(self._shares[0, number])
        if gateway is None or gateway.lost:
            return  # without an answer
        if gateway.inside >= MOST_INSIDE:
            self.refused[number] = True
            return
        gateway.inside += 1
        then = partial(self._call if self._servers else self._answer, number, gateway)
        gateway.work(self._seconds[0][number], then, if_lost=lambda: None)

    def _call(self, number: int, gateway: Replica) -> None:
        server = self._servers and self._servers.pick(self._shares[1, number])
        if not server:
            return

        def again() -> None:
            self.clock.at(server.noticed_at, self._call, number, gateway)

        if server.lost:
            again()
        else:
            server.work(self._seconds[1][number], partial(self._answer, number, gateway), if_lost=again)

    def _answer(self, number: int, gateway: Replica) -> None:
        if not gateway.lost:
            gateway.inside -= 1
            self.took[number] = self.clock.now - self._came[number]
