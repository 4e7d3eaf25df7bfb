"""The two ways to say what each part contributed to the score: by leaving it out alone, and Shapley values.

A subset of the parts is a number with a bit for each part.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import comb
from operator import or_

import numpy as np

from serving.contract.arrays import Array
from serving.explanation.ranks import rank_correlation
from serving.explanation.subset_scores import SubsetScores

_SEED = 0
"""The same request has the same answer."""
_FALLBACK = 4
"""Pairs that are computed first where all subsets are to be: they are an answer if the time does not suffice."""

_Pair = tuple[Sequence[int], Sequence[int]]


@dataclass(frozen=True, eq=False)  # arrays have no single truth of equality
class Attribution:
    """What each part contributed, `float64[parts]`, with standard errors: 0 where nothing is left to chance.

    *errors* is None if there were too few permutations to tell. *complete* says that all was computed that was to be.
    *stability* is the rank correlation of the contributions from two halves of the permutations.
    """

    contributions: Array
    errors: Array | None
    exact: bool
    complete: bool
    stability: float | None = None


def occlusion(scores: SubsetScores, count: int) -> Attribution | None:
    """Leave out each part alone; None if there was no time for that."""
    whole = (1 << count) - 1
    if not scores.compute([whole, 0, *(whole ^ 1 << part for part in range(count))]):
        return None
    lost = [scores.known[whole] - scores.known[whole ^ 1 << part] for part in range(count)]
    return Attribution(np.array(lost), np.zeros(count), exact=True, complete=True)


def shapley(scores: SubsetScores, count: int, budget: int) -> Attribution | None:
    """Compute Shapley values over all subsets if the budget suffices, else estimate them from permutations.

    Permutations are drawn in antithetic pairs, each with its reverse, which is more exact than as many independent ones
    (Mitchell, Cooper, Frank and Holmes, 2022, Sampling Permutations for Shapley Value Estimation). None if there was no
    time for one.
    """
    is_exact = 1 << min(count, 60) <= budget
    pairs = list(_pairs(count, budget, is_exact))
    wanted = [subset for pair in pairs for order in pair for subset in _growing(order)]
    complete = scores.compute([(1 << count) - 1, 0, *wanted, *(range(1 << count) if is_exact else ())])
    if is_exact and complete:
        return Attribution(_exact(scores, count), np.zeros(count), exact=True, complete=True)
    done = [pair for pair in pairs if all(scores.knows(_growing(order)) for order in pair)]
    return _estimated(scores, done, complete) if done else None


def _pairs(count: int, budget: int, is_exact: bool) -> Iterator[_Pair]:
    if count < 2:
        return
    affordable = (budget - 2) // (2 * (count - 1))
    rng = np.random.default_rng(_SEED)
    for _ in range(min(affordable, _FALLBACK) if is_exact else affordable):
        order = rng.permutation(count).tolist()
        yield order, order[::-1]


def _growing(order: Sequence[int]) -> Iterator[int]:
    """Yield the subsets on the way from none of the parts to all of them."""
    return accumulate((1 << part for part in order), or_, initial=0)


def _exact(scores: SubsetScores, count: int) -> Array:
    values = np.array([scores.known[subset] for subset in range(1 << count)])
    subsets = np.arange(1 << count)
    sizes = np.bitwise_count(subsets)
    weights = np.array([1 / (count * comb(count - 1, size)) for size in range(count)] + [0.0])
    found = np.empty(count)
    for part in range(count):
        without = subsets[subsets >> part & 1 == 0]
        found[part] = (weights[sizes[without]] * (values[without | 1 << part] - values[without])).sum()
    return found


def _estimated(scores: SubsetScores, pairs: Sequence[_Pair], complete: bool) -> Attribution:
    each = np.array([np.mean([_gains(scores, order) for order in pair], axis=0) for pair in pairs])
    errors = each.std(axis=0, ddof=1) / np.sqrt(len(each)) if len(each) > 1 else None
    stability = rank_correlation(each[::2].mean(axis=0), each[1::2].mean(axis=0)) if len(each) > 1 else None
    return Attribution(each.mean(axis=0), errors, exact=False, complete=complete, stability=stability)


def _gains(scores: SubsetScores, order: Sequence[int]) -> Array:
    """Return what the score gains by each part when they are added in this order."""
    gains = np.empty(len(order))
    gains[order] = np.diff([scores.known[subset] for subset in _growing(order)])
    return gains
