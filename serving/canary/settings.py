"""How a canary is raised, and what counts as worse."""

from dataclasses import dataclass, replace
from math import log


@dataclass(frozen=True)
class Plan:
    """The *percents* of requests that a canary gets, one step after another, each for at least *hold* seconds."""

    percents: tuple[float, ...] = (1.0, 5.0, 25.0, 100.0)
    hold: float = 600.0

    def is_alone(self, step: int) -> bool:
        """Whether the stable version gets nothing in this step, so that there is nothing to compare with."""
        return self.percents[step] >= 100

    def is_last_comparison(self, step: int) -> bool:
        """Whether there is no later step in which both versions answer."""
        return all(percent >= 100 for percent in self.percents[step + 1 :])


SHARES = ("errors", "refusals", "wrong", "psi")
RATIOS = ("slower", "error_ratio")
"""The margins, by their kind."""


@dataclass(frozen=True)
class Settings:
    """What counts as worse, and how sure the judge must be.

    The first six are margins: a canary worse by twice the margin is rolled back, and an equal one advances, with the
    chances of being wrong that the last two name. One that is worse by about the margin can go either way.

    *errors*, *refusals* and *wrong* are shares, *slower* is a ratio of latencies, *psi* a population stability index,
    and *error_ratio* a ratio of mean absolute errors. Below *minimum_requests* of the canary nothing is decided. After
    *patience* holds a step no longer waits for evidence that a later step can give, nor for truth.
    """

    errors: float = 0.0025
    refusals: float = 0.01
    slower: float = 1.15
    psi: float = 0.05
    wrong: float = 0.015
    error_ratio: float = 1.1
    minimum_requests: int = 50
    patience: float = 4.0
    false_roll_backs: float = 0.01
    missed: float = 0.05

    def __post_init__(self) -> None:
        """Raise ValueError if a margin can't be one."""
        for name, low, high in (*((share, 0.0, 0.5) for share in SHARES), *((ratio, 1.0, 10.0) for ratio in RATIOS)):
            if not low < getattr(self, name) < high:
                raise ValueError(f"{name}: expected a number between {low:g} and {high:g}, got {getattr(self, name):g}")

    def coarser(self) -> "Settings":
        """Return those for a comparison with what the stable version did earlier, maybe at another rate."""
        return replace(
            self,
            errors=min(0.49, 2 * self.errors),
            refusals=min(0.49, 2 * self.refusals),
            slower=min(9.9, self.slower**4),
        )

    def strength_for_worse(self, tests: int) -> float:
        """Return the logarithm of the odds at which one of so many *tests* says that the canary is worse."""
        return log(tests / self.false_roll_backs)

    @property
    def strength_for_equal(self) -> float:
        """The logarithm of the odds at which a measure excludes that the canary is worse."""
        return -log(self.missed)
