"""Two models on the same rows: which one is better, and whether chance explains the difference."""

import math
from dataclasses import dataclass

import numpy as np

from training.problem_types import Problem

LEVEL = 0.05
"""Significance level: chance does not explain a difference whose p-value is below this."""

DRAWS = 9_999
BLOCKS = 10_000
"""More rows than this are summed in this number of blocks, so that a test of millions takes no longer."""
_AT_ONCE = 100


@dataclass(frozen=True)
class Comparison:
    """The problem's metric of the new model and of live *version*, on the same number of *rows*.

    *p* is the one-sided p-value of *test*: how likely a model as good as the live one would look this much worse. It is
    small if the new model is worse.
    """

    version: int
    rows: int
    new: float
    live: float
    p: float
    test: str

    @property
    def significant(self) -> bool:
        """Whether the new model is worse by more than chance explains."""
        return self.p < LEVEL


def compare(
    version: int,
    problem: Problem,
    targets: np.ndarray,
    new: np.ndarray,
    live: np.ndarray,
    live_problem: Problem | None = None,
) -> Comparison:
    """Compare the new model's scores with those of live *version*, row by row; both are `float[n, width]`.

    *live_problem* has what was chosen for the live version, where that is another than what was for the new one.
    """
    judged = live_problem or problem
    worse = problem.costs(targets, new) - judged.costs(targets, live)
    right_or_wrong = problem.metric == "accuracy"
    p = mcnemar(int((worse > 0).sum()), int((worse < 0).sum())) if right_or_wrong else sign_flip(worse)
    test = "McNemar's test" if right_or_wrong else "sign-flip test"
    return Comparison(version, len(worse), problem.measure(targets, new), judged.measure(targets, live), p, test)


def mcnemar(only_live: int, only_new: int) -> float:
    """Return the one-sided p-value of McNemar's exact test, mid-p (Fagerland et al. 2013).

    *only_live* and *only_new* count the rows that only the live model, or only the new one, answers correctly. The
    p-value is how likely chance gives the live model that many of them or more; half of the outcome itself is counted.
    Source: "The McNemar test for binary matched-pairs data".
    """
    rows = only_live + only_new
    logs = [math.lgamma(k + 1) + math.lgamma(rows - k + 1) for k in range(only_live, rows + 1)]
    shares = np.exp(math.lgamma(rows + 1) - rows * math.log(2) - np.array(logs))
    return float(shares.sum() - shares[0] / 2)


def sign_flip(worse: np.ndarray) -> float:
    """Return how often the sum of *worse* is at least as large if every sign is random (Fisher 1935): a p-value."""
    if len(worse) > BLOCKS:
        worse = np.array([block.sum() for block in np.array_split(worse, BLOCKS)])
    total, rng, as_large = worse.sum(), np.random.default_rng(0), 1
    slack = 1e-9 * np.abs(worse).sum()  # the last digits of a sum depend on the order of its numbers
    for start in range(0, DRAWS, _AT_ONCE):
        signs = rng.integers(0, 2, (min(_AT_ONCE, DRAWS - start), len(worse)), np.int8) * 2.0 - 1
        as_large += int((signs @ worse >= total - slack).sum())
    return as_large / (DRAWS + 1)
