"""What theory says of one replica: requests that come at random wait in one line for its processors (M/G/c)."""

from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import NDArray

Seconds = NDArray[np.float64]


@dataclass(frozen=True)
class Station:
    """A replica: *rate* requests a second, each of which takes one of *cpus* processors for *seconds* on average.

    *variation* is the standard deviation of these seconds by their mean: 1 as in M/M/c, 0 if all take the same.
    """

    rate: float
    seconds: float
    cpus: int
    variation: float = 1.0

    @property
    def busy(self) -> float:
        """The share of its processors' time that it uses; it keeps up if that is less than 1."""
        return self.rate * self.seconds / self.cpus

    @property
    def waiting(self) -> float:
        """The share of requests that have to wait, by Erlang's formula C; all of them if it does not keep up."""
        if self.busy >= 1:
            return 1.0
        offered = self.rate * self.seconds
        blocked = reduce(lambda less, number: offered * less / (number + offered * less), range(1, self.cpus + 1), 1.0)
        return blocked / (1 - self.busy * (1 - blocked))

    @property
    def wait_of_waiting(self) -> float:
        """The mean wait of those that wait, in seconds: exact for M/M/c and M/G/1, else Allen and Cunneen's formula."""
        if self.busy >= 1:
            return float("inf")
        return (1 + self.variation**2) / 2 * self.seconds / (self.cpus * (1 - self.busy))

    @property
    def wait(self) -> float:
        """The mean wait of all requests, in seconds."""
        return self.waiting * self.wait_of_waiting

    @property
    def inside(self) -> float:
        """The mean number of requests that wait or are worked on, by Little's law."""
        return self.rate * (self.wait + self.seconds)

    def draw(self, chance: np.random.Generator, count: int) -> Seconds:
        """Return *count* times from coming to leaving: exact for M/M/c, else the wait is taken as exponential."""
        waits = (chance.random(count) < self.waiting) * chance.exponential(1.0, count) * self.wait_of_waiting
        taken: Seconds = waits + service_times(chance, self.seconds, self.variation, count)
        return taken


def service_times(chance: np.random.Generator, seconds: float, variation: float, count: int) -> Seconds:
    """Return *count* times of that mean, by a gamma distribution: exponential if *variation* is 1."""
    if not seconds or not variation:
        return np.full(count, seconds)
    shape = variation**-2
    return chance.gamma(shape, seconds / shape, count)
