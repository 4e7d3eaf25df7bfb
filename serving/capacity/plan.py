"""How many gateways and model servers a load needs."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np

from serving.capacity.costs import Costs
from serving.capacity.errors import NotPossible
from serving.capacity.queue_theory import Station

_MOST_BUSY = 0.8
"""Above this a small error of the rate or of the costs is a large one of the wait."""

_LEAST_BUSY = 0.001
_DRAWN = 200_000
_SEED = 1


@dataclass(frozen=True)
class Load:
    """What is asked for: *rate* requests a second, of which 99 of 100 are answered within *p99_seconds*."""

    rate: float
    p99_seconds: float


@dataclass(frozen=True)
class Sizes:
    """The processors of one gateway and of one model server, and how many of each may be lost (*spare*)."""

    gateway_cpus: int = 1
    model_server_cpus: int = 2
    spare: int = 1


@dataclass(frozen=True)
class Tier:
    """Replicas of one kind: *needed* hold the target, *spare* more are there in case that as many are lost."""

    name: str
    needed: int
    spare: int
    cpus: int
    seconds: float
    variation: float
    replica_mb: float

    @property
    def replicas(self) -> int:
        """All of them."""
        return self.needed + self.spare

    @property
    def memory_mb(self) -> float:
        """The memory of all."""
        return self.replicas * self.replica_mb

    def station(self, rate: float, replicas: int | None = None) -> Station:
        """Return one of *replicas*, by default of all, among which *rate* requests a second are divided."""
        return Station(rate / (replicas or self.replicas), self.seconds, self.cpus, self.variation)


@dataclass(frozen=True)
class Plan:
    """The tiers that *load* needs. Model servers are missing where gateways compute the models."""

    load: Load
    costs: Costs
    gateways: Tier
    model_servers: Tier | None

    @property
    def tiers(self) -> tuple[Tier, ...]:
        """The tiers, in the order in which a request passes them."""
        return (self.gateways, self.model_servers) if self.model_servers else (self.gateways,)

    def p99_seconds(self, with_spare: bool = True) -> float:
        """Return the 99th percentile of the time to the answer, with all replicas or without the spare ones."""
        replicas = [tier.replicas if with_spare else tier.needed for tier in self.tiers]
        return _p99([tier.station(self.load.rate, count) for tier, count in zip(self.tiers, replicas, strict=True)])


def make_plan(load: Load, costs: Costs, sizes: Sizes = Sizes()) -> Plan:
    """Return the fewest replicas, all as busy as each other, that hold the target. Raises NotPossible."""
    least = _p99(_stations(_plan(load, costs, sizes, _LEAST_BUSY)))
    if least > load.p99_seconds:
        raise NotPossible(load.p99_seconds, least)
    low, high = _LEAST_BUSY, _MOST_BUSY
    if _holds(_plan(load, costs, sizes, high)):
        return _plan(load, costs, sizes, high)
    for _ in range(12):
        middle = (low + high) / 2
        low, high = (middle, high) if _holds(_plan(load, costs, sizes, middle)) else (low, middle)
    return _plan(load, costs, sizes, low)


def _holds(plan: Plan) -> bool:
    return plan.p99_seconds(with_spare=False) <= plan.load.p99_seconds


def _stations(plan: Plan) -> list[Station]:
    return [tier.station(plan.load.rate, tier.needed) for tier in plan.tiers]


def _plan(load: Load, costs: Costs, sizes: Sizes, busy: float) -> Plan:
    def tier(name: str, seconds: float, cpus: int, replica_mb: float) -> Tier:
        needed = max(1, ceil(load.rate * seconds / (busy * cpus)))
        return Tier(name, needed, sizes.spare, cpus, seconds, costs.variation, replica_mb)

    gateways = tier("gateways", costs.gateway_seconds, sizes.gateway_cpus, costs.gateway_mb)
    servers = tier("model servers", costs.model_server_seconds, sizes.model_server_cpus, costs.model_server_mb)
    return Plan(load, costs, gateways, servers if costs.model_server_seconds else None)


def _p99(stations: Sequence[Station]) -> float:
    """Draw the time at each station by itself, which is exact for M/M/c stations one after the other (Jackson)."""
    chance = np.random.default_rng(_SEED)
    return float(np.quantile(np.sum([station.draw(chance, _DRAWN) for station in stations], axis=0), 0.99))
