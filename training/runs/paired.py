"""Two models on the same rows: their metrics with intervals, and whether chance explains the difference."""

from dataclasses import dataclass

import numpy as np

from serving.statistics.intervals import Sums, share_interval
from serving.statistics.pairs import paired_test
from training.problem_types import Problem
from training.problem_types.classes import Classes
from training.problem_types.values import Regression

LEVEL = 0.05
MIN_ROWS = 20
"""Of fewer rows, drawing again tells nothing."""
DRAWS = 2_000
_MIN_DRAWS = 200
_FEW = 100
_MOST_NUMBERS = 40_000_000
"""So many rows of scores are drawn in all, for a measure that is no mean over rows."""

Interval = tuple[float, float]


@dataclass(frozen=True, eq=False)
class Side:
    """What one model answered to the rows: its problem has what was chosen for it."""

    problem: Problem
    targets: np.ndarray
    scores: np.ndarray

    def measure(self) -> float:
        """Return the metric."""
        return self.problem.measure(self.targets, self.scores)

    def costs(self) -> np.ndarray:
        """Return what each row costs."""
        return np.asarray(self.problem.costs(self.targets, self.scores))

    def row_values(self) -> np.ndarray | None:
        """Return numbers whose mean is the metric, by row; None if it is no mean over rows."""
        if self.problem.metric == "accuracy":
            return np.asarray(self.costs() == 0, np.float64)
        if isinstance(self.problem, Regression) and self.problem.metric != "r2":
            return self.costs()
        return None


@dataclass(frozen=True)
class Paired:
    """The metric of two models on the same *rows*, with 95 % intervals, None of too few rows.

    *difference* is the second's minus the first's. *p* is two-sided, of McNemar's exact test, where answers are right
    or wrong: *only_first* and *only_second* rows are right in one alone. *better* is 1 or 2 where chance doesn't
    explain the difference, else 0: *by_test*, if the metric is the share of right answers, otherwise by the interval.
    """

    rows: int
    values: tuple[float, float]
    intervals: tuple[Interval | None, Interval | None]
    difference: float
    difference_interval: Interval | None
    p: float | None = None
    only_first: int = 0
    only_second: int = 0
    better: int = 0
    by_test: bool = False


def paired(first: Side, second: Side, seed: int = 0) -> Paired:
    """Compare two models on the same rows, in the same order."""
    rows, higher = len(first.targets), first.problem.higher_is_better
    values = first.measure(), second.measure()
    drawn = _drawn(first, second, seed) if rows >= MIN_ROWS else None
    own: tuple[Interval | None, Interval | None] = (None, None) if drawn is None else (_of(drawn[0]), _of(drawn[1]))
    between = None if drawn is None else _of(drawn[1] - drawn[0])
    p, only_first, only_second = None, 0, 0
    if _is_of_classes(first):
        right, also = first.costs() == 0, second.costs() == 0
        only_first, only_second = int((right & ~also).sum()), int((also & ~right).sum())
        p = paired_test(only_first, only_second)
    by_test = first.problem.metric == "accuracy"
    if by_test:
        own = _of_share(values[0], rows), _of_share(values[1], rows)
    chance = p is None or p >= LEVEL if by_test else between is None or between[0] <= 0 <= between[1]
    difference = values[1] - values[0]
    better = 0 if chance or not difference else 2 if (difference > 0) == higher else 1
    return Paired(rows, values, own, difference, between, p, only_first, only_second, better, by_test)


def _is_of_classes(side: Side) -> bool:
    return isinstance(side.problem, Classes) or side.problem.name == "multilabel"


def _drawn(first: Side, second: Side, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the metrics of both models on rows that are drawn again (Efron 1979), the same for both."""
    rng, rows = np.random.default_rng(seed), len(first.targets)
    values, others = first.row_values(), second.row_values()
    if values is not None and others is not None:
        both = np.stack([values, others], axis=1)
        kinds, counts = np.unique(both, axis=0, return_counts=True)
        if len(kinds) <= _FEW:  # right or wrong: to draw how many there are of each kind is the same, and quick
            of_kinds = rng.multinomial(rows, counts / rows, DRAWS) @ kinds / rows
            return of_kinds[:, 0], of_kinds[:, 1]
        drawn = [both[rng.integers(0, rows, rows)].mean(axis=0) for _ in range(_draws(rows))]
    else:
        width = first.scores.shape[1] + second.scores.shape[1]
        drawn = [_measured(first, second, rng.integers(0, rows, rows)) for _ in range(_draws(rows * width))]
    of_both = np.array(drawn)
    return of_both[:, 0], of_both[:, 1]


def _draws(numbers: int) -> int:
    return int(np.clip(_MOST_NUMBERS // numbers, _MIN_DRAWS, DRAWS))


def _measured(first: Side, second: Side, index: np.ndarray) -> tuple[float, float]:
    return (
        first.problem.measure(first.targets[index], first.scores[index]),
        second.problem.measure(second.targets[index], second.scores[index]),
    )


def _of_share(share: float, rows: int) -> Interval:
    right = share * rows
    return share_interval(Sums(rows, rows, right, right, right, rows))


def _of(drawn: np.ndarray) -> Interval:
    low, high = np.nanquantile(drawn, [0.025, 0.975])
    return float(low), float(high)
