"""Two models on the same rows: which of them errs less, and whether chance alone would do as much."""

import math
from dataclasses import dataclass

import numpy as np

from training.problem_types import Problem

LEVEL = 0.05
"""What chance alone brings about less often than this is taken for a difference."""

DRAWS = 9_999
BLOCKS = 10_000
"""More rows than this are taken together, several in a row, so that a test of millions takes no longer."""
_AT_ONCE = 100


@dataclass(frozen=True)
class Comparison:
    """What the new model and the live *version* score on the same *rows*, by the problem's metric.

    *p* is how likely a model as good as the live one would look so much worse, by *test*: one-sided, small where the
    new one is worse.
    """

    version: int
    rows: int
    new: float
    live: float
    p: float
    test: str

    @property
    def significant(self) -> bool:
        """Whether the new model is worse by more than chance."""
        return self.p < LEVEL


def compare(version: int, problem: Problem, targets: np.ndarray, new: np.ndarray, live: np.ndarray) -> Comparison:
    """Compare the scores of the new model with those of live *version*, row by row; both are `float[n, width]`."""
    worse = problem.costs(targets, new) - problem.costs(targets, live)
    right_or_wrong = problem.metric == "accuracy" and np.isin(worse, (-1, 0, 1)).all()
    p = mcnemar(int((worse > 0).sum()), int((worse < 0).sum())) if right_or_wrong else sign_flip(worse)
    test = "McNemar's test" if right_or_wrong else "sign-flip test"
    return Comparison(version, len(worse), problem.measure(targets, new), problem.measure(targets, live), p, test)


def mcnemar(only_live: int, only_new: int) -> float:
    """Tell how likely so many of the rows that one model alone has right, or more, are the live one's by chance.

    The exact test, with half of the outcome itself counted (mid-p: Fagerland et al. 2013, "The McNemar test for
    binary matched-pairs data").
    """
    rows = only_live + only_new
    logs = [math.lgamma(k + 1) + math.lgamma(rows - k + 1) for k in range(only_live, rows + 1)]
    shares = np.exp(math.lgamma(rows + 1) - rows * math.log(2) - np.array(logs))
    return float(shares.sum() - shares[0] / 2)


def sign_flip(worse: np.ndarray) -> float:
    """Tell how often the sum of *worse* is as large or larger if each sign is decided by a coin (Fisher 1935)."""
    if len(worse) > BLOCKS:
        worse = np.array([block.sum() for block in np.array_split(worse, BLOCKS)])
    total, rng, as_large = worse.sum(), np.random.default_rng(0), 1
    slack = 1e-9 * np.abs(worse).sum()  # sums of the same numbers in another order differ in their last digits
    for start in range(0, DRAWS, _AT_ONCE):
        signs = rng.integers(0, 2, (min(_AT_ONCE, DRAWS - start), len(worse)), np.int8) * 2.0 - 1
        as_large += int((signs @ worse >= total - slack).sum())
    return as_large / (DRAWS + 1)
