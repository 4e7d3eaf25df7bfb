"""What chance explains: p-values by drawing lots, their correction for how many were looked at, and intervals."""

from collections.abc import Callable, Sequence

import numpy as np

_SEED = 0
_AT_ONCE = 200


def holm(p: Sequence[float], level: float) -> np.ndarray:
    """Return which p-values are significant if the chance of any false one among them is to be *level* (Holm 1979)."""
    values = np.asarray(p, float)
    order = np.argsort(values, kind="stable")
    passes = values[order] <= level / np.arange(len(values), 0, -1)
    significant = np.zeros(len(values), bool)
    significant[order] = np.logical_and.accumulate(passes)
    return significant


def same_source(one: np.ndarray, other: np.ndarray, draws: int) -> float:
    """Return how likely two `int[k]` of counts differ this much (chi-squared) if both are dealt from one pile.

    Lots are drawn instead of asking the chi-squared distribution, so that rare values do no harm.
    """
    pile, rng = one + other, np.random.default_rng(_SEED)
    pile, one = pile[pile > 0], one[pile > 0]
    expected = pile * (one.sum() / pile.sum())
    dealt = rng.multivariate_hypergeometric(pile, one.sum(), draws, method="marginals")
    statistic = ((one - expected) ** 2 / pile).sum()  # of the other side the same, times a constant
    as_large = (((dealt - expected) ** 2 / pile).sum(axis=1) >= statistic * (1 - 1e-12)).sum()
    return float((as_large + 1) / (draws + 1))


def larger_by_lot(costs: np.ndarray, members: np.ndarray, draws: int) -> np.ndarray:
    """Return by group how likely its mean cost is this large if its rows are drawn by lot: `float[groups]`.

    *costs* are those of all rows, `float[n]`; *members* is `bool[groups, n]`.
    """
    rng = np.random.default_rng(_SEED)
    if np.isin(costs, (0, 1)).all():  # then the lots need not be drawn row by row
        dealt = [rng.hypergeometric(int(costs.sum()), int((1 - costs).sum()), int(of.sum()), draws) for of in members]
        counts = [(lot >= costs[of].sum()).sum() for lot, of in zip(dealt, members, strict=True)]
        return (np.array(counts) + 1) / (draws + 1)
    shuffled = costs.astype(np.float32)
    inside = members.T.astype(np.float32)
    sums, slack = shuffled @ inside, 1e-5 * np.abs(shuffled).sum()
    as_large = np.zeros(len(members))
    for start in range(0, draws, _AT_ONCE):
        lots = np.tile(shuffled, (min(_AT_ONCE, draws - start), 1))
        as_large += (rng.permuted(lots, axis=1) @ inside >= sums - slack).sum(axis=0)
    return np.asarray((as_large + 1) / (draws + 1))


def bootstrap(measure: Callable[[np.ndarray], np.ndarray | float], rows: int, draws: int) -> tuple[float, float]:
    """Return the 95 % interval of what *measure* says of so many *rows*, drawn with replacement (Efron 1979).

    It is asked of all draws at once, `int[draws, rows]`.
    """
    measured = measure(np.random.default_rng(_SEED).integers(0, rows, (draws, rows)))
    low, high = np.nanquantile(measured, [0.025, 0.975])
    return float(low), float(high)
