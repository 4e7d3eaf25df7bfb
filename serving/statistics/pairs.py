"""The exact test of pairs, each of which counts for one side."""

import math


def paired_test(first: int, other: int) -> float:
    """Return how likely chance alone splits first + other pairs so unevenly, or more so (two-sided).

    That is the exact binomial test: McNemar's of pairs of which one alone is right, the sign test of errors.
    """
    pairs, fewer = first + other, min(first, other)
    if first == other:
        return 1.0
    term = math.exp(
        math.lgamma(pairs + 1) - math.lgamma(fewer + 1) - math.lgamma(pairs - fewer + 1) - pairs * math.log(2)
    )
    tail, count = term, fewer
    while count > 0 and term > tail * 1e-17:
        term *= count / (pairs - count + 1)
        tail += term
        count -= 1
    return min(1.0, 2 * tail)
