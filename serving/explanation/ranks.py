"""Spearman's rank correlation."""

import numpy as np

from serving.contract.arrays import Array


def rank_correlation(first: Array, second: Array) -> float | None:
    """Return how alike two vectors rank, from -1 to 1; None if one of them ranks nothing."""
    ranks = _ranks(first), _ranks(second)
    if any(np.ptp(each) == 0 for each in ranks):
        return None
    return float(np.corrcoef(*ranks)[0, 1])


def _ranks(values: Array) -> Array:
    """Return the place of each value among the sorted; equal ones share theirs."""
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks: Array = (np.cumsum(counts) - (counts - 1) / 2)[places]
    return ranks
