"""The replicas of a simulation: requests wait in line for a processor; a replica may be lost, or slow for a while."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from serving.capacity.events import Clock

Then = Callable[[], None]


@dataclass
class Replica:
    """One with *cpus* processors, each of which works on one request at a time, first come, first served."""

    clock: Clock
    cpus: int
    lost: bool = False
    noticed_at: float = 0.0
    """When others find out that it is lost."""
    slowness: float = 1.0
    """How many times as long work takes that begins now."""
    inside: int = 0
    """How many requests have been let in and are not answered, wherever they are; whoever lets them in counts."""
    _working: int = 0
    _line: deque[tuple[float, Then]] = field(default_factory=deque)
    _if_lost: dict[Then, Then] = field(default_factory=dict)

    def work(self, seconds: float, then: Then, if_lost: Then) -> None:
        """Call *then* once a processor has been free for *seconds*, or *if_lost* if the replica is lost before."""
        self._if_lost[then] = if_lost
        if self._working < self.cpus:
            self._begin(seconds, then)
        else:
            self._line.append((seconds, then))

    def lose(self, noticed_seconds: float) -> None:
        """End it, with all that is in it; others find out after *noticed_seconds*."""
        self.lost = True
        self.noticed_at = self.clock.now + noticed_seconds
        for if_lost in list(self._if_lost.values()):
            if_lost()

    def slow_down(self, factor: float, seconds: float) -> None:
        """Have work that begins within the next *seconds* take *factor* times as long."""
        self.slowness = factor
        self.clock.after(seconds, setattr, self, "slowness", 1.0)

    def _begin(self, seconds: float, then: Then) -> None:
        self._working += 1
        self.clock.after(seconds * self.slowness, self._end, then)

    def _end(self, then: Then) -> None:
        if self.lost:
            return
        self._working -= 1
        if self._line:
            self._begin(*self._line.popleft())
        del self._if_lost[then]
        then()


class Balancer:
    """Spreads requests over *replicas* at random, also over a lost one until that is *noticed* some seconds later."""

    def __init__(self, clock: Clock, replicas: Sequence[Replica], noticed_seconds: float) -> None:
        self._clock = clock
        self._listed = list(replicas)
        self._noticed_seconds = noticed_seconds

    def pick(self, share: float) -> Replica | None:
        """Return the replica at *share*, from 0 to below 1, of those that are listed; None if there is none."""
        return self._listed[int(share * len(self._listed))] if self._listed else None

    def lose_one(self) -> None:
        """Lose the first replica."""
        if self._listed:
            self._listed[0].lose(self._noticed_seconds)
            self._clock.at(self._listed[0].noticed_at, self._listed.pop, 0)

    def slow_down(self, seconds: float) -> None:
        """Have one more thread share the processors of each replica for *seconds*."""
        for replica in self._listed:
            replica.slow_down((replica.cpus + 1) / replica.cpus, seconds)
