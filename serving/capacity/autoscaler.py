"""A HorizontalPodAutoscaler of gateways, as KEDA makes one: the rules by which it sets the number of replicas.

https://kubernetes.io/docs/concepts/workloads/autoscaling/horizontal-pod-autoscale/
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from math import ceil

SYNC_SECONDS = 15
_TOLERANCE = 0.1
"""A figure that is off by less changes nothing."""


class Figure(Enum):
    """What is measured of all gateways together."""

    IN_FLIGHT = "requests in flight"
    PROCESSORS = "processors at work"


@dataclass(frozen=True)
class Target:
    """The *average* of a figure that each gateway should have; it is seen *later_seconds* after the fact."""

    figure: Figure
    average: float
    later_seconds: int

    def wanted(self, total: float, replicas: int) -> int:
        """Return how many gateways would have that average, *replicas* if the present ones nearly do."""
        ratio = total / (self.average * replicas)
        return replicas if abs(ratio - 1) <= _TOLERANCE else ceil(round(replicas * ratio, 6))


@dataclass(frozen=True)
class Policy:
    """At most so many pods, or so many *percent* of them, in *seconds*."""

    seconds: int
    pods: int = 0
    percent: float = 0.0

    def step(self, replicas: int) -> int:
        """Return by how many *replicas* may change."""
        return self.pods or ceil(replicas * self.percent / 100)


@dataclass(frozen=True)
class Behaviour:
    """How fast a number may change: what was wanted in the last *window_seconds* counts, and the widest policy."""

    window_seconds: int
    policies: tuple[Policy, ...]


@dataclass(frozen=True)
class Autoscaler:
    """The rules: from *least* to *most* replicas, and of several *targets* the one that wants most."""

    least: int
    most: int
    targets: tuple[Target, ...]
    up: Behaviour
    down: Behaviour


@dataclass
class Controller:
    """Follows an autoscaler's rules over time."""

    rules: Autoscaler
    replicas: int
    _wanted: list[tuple[int, int]] = field(default_factory=list)
    _changes: list[tuple[int, int]] = field(default_factory=list)

    def sync(self, now: int, seen: Callable[[Target], float]) -> int:
        """Return the number of replicas from *now* on, in seconds, by what is *seen* of each target's figure."""
        wanted = max(target.wanted(seen(target), self.replicas) for target in self.rules.targets)
        self._wanted.append((now, wanted))
        up = self._settled(now, self.rules.up, min)
        down = self._settled(now, self.rules.down, max)
        wanted = up if up > self.replicas else min(down, self.replicas)
        limited = min(max(self._limited(now, wanted), self.rules.least), self.rules.most)
        self._changes.append((now, limited - self.replicas))
        self.replicas = limited
        return limited

    def _settled(self, now: int, behaviour: Behaviour, choose: Callable[[list[int]], int]) -> int:
        window = max(behaviour.window_seconds, 1)
        return choose([wanted for time, wanted in self._wanted if time > now - window])

    def _limited(self, now: int, wanted: int) -> int:
        if wanted > self.replicas:
            return min(wanted, max(self._bound(now, policy, 1) for policy in self.rules.up.policies))
        return max(wanted, min(self._bound(now, policy, -1) for policy in self.rules.down.policies))

    def _bound(self, now: int, policy: Policy, sign: int) -> int:
        """Return how far *policy* lets the number go, from where it was at the beginning of its period."""
        changed = sum(change for time, change in self._changes if time > now - policy.seconds and change * sign > 0)
        begin = self.replicas - changed
        return begin + sign * policy.step(begin)
