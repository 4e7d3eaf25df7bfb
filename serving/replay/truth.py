"""How right two versions are about the same instances, where the truth is known."""

from dataclasses import dataclass, field
from typing import Any

from serving.replay.statistics import Tally
from serving.statistics.pairs import paired_test
from serving.truth.comparing import MAE, SHARES, NoComparison, Outcome, compare

WORSE = 0.01
"""From what chance down a version counts as worse than the other."""


@dataclass
class Paired:
    """One measure of one head of both versions, and of how many pairs only one is right, or the error smaller.

    *difference* is the second version's value less the first's.
    """

    first: Tally = field(default_factory=Tally)
    second: Tally = field(default_factory=Tally)
    difference: Tally = field(default_factory=Tally)
    first_better: int = 0
    second_better: int = 0

    @property
    def p(self) -> float:
        """How likely chance alone sets the two so far apart."""
        return paired_test(self.first_better, self.second_better)

    @property
    def is_second_worse(self) -> bool:
        """Whether that is too unlikely to be believed, and the first is the better one."""
        return self.p < WORSE and self.first_better > self.second_better


class Truth:
    """Compares pairs of answers with their truths, by head and measure."""

    def __init__(self) -> None:
        self.known = 0
        self.incomparable = 0
        self.measures: dict[tuple[str, str], Paired] = {}

    def add(self, first: dict[str, Any], second: dict[str, Any], truth: Any, weight: float) -> None:
        """Take two answers to an instance whose truth is known."""
        try:
            pairs = zip(compare(first, truth), compare(second, truth), strict=True)
            counted = [(one, other) for one, other in pairs if one.measure in SHARES or one.measure == MAE]
        except (NoComparison, ValueError, KeyError):  # ValueError: the versions have other heads
            self.incomparable += 1
            return
        self.known += 1
        for one, other in counted:
            self._add(self.measures.setdefault((one.head, one.measure), Paired()), one, other, weight)

    def _add(self, paired: Paired, one: Outcome, other: Outcome, weight: float) -> None:
        paired.first.add(one.value, weight)
        paired.second.add(other.value, weight)
        paired.difference.add(other.value - one.value, weight)
        gain = one.value - other.value if one.measure == MAE else other.value - one.value
        paired.second_better += gain > 0
        paired.first_better += gain < 0
