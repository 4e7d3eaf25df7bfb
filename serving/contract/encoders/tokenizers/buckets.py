"""Groups of a vocabulary's ids, for drift: of thousands of words, few would come often enough to be compared."""

from collections.abc import Sequence

import numpy as np

from serving.contract.arrays import Array

COMMON, OTHER = 16, 16
BUCKETS = COMMON + OTHER
"""Groups for each of the most frequent tokens, and some that share all others."""
WORDS_A_DRAW = 5
"""The words of a text go together: five say as much as one that is drawn on its own (measured on IMDB and Reuters)."""
LETTERS_A_WORD = 5


def names_by_rank(tokens: Sequence[str]) -> tuple[str, ...]:
    """Return the groups' names for *tokens* by rank: the most frequent tokens, then `other` and a number."""
    common = tokens[:COMMON]
    return (*common, *(f"other {number}" for number in range(len(common), BUCKETS)))


def buckets_by_rank(size: int, first: int) -> Array:
    """Return the group of each id, `int64[size]`, where ids are by rank from *first*; those below are not counted."""
    rank = np.arange(size) - first
    bucket = np.where(rank < COMMON, rank, COMMON + rank % OTHER)
    return np.where(rank < 0, BUCKETS, bucket)


def shared_names() -> tuple[str, ...]:
    """Return the groups' names where ids say nothing of frequency."""
    return names_by_rank(())


def shared_buckets(size: int, left_out: Sequence[int]) -> Array:
    """Return the group of each id, `int64[size]`, where ids say nothing of frequency; *left_out* are not counted."""
    bucket = np.arange(size) % BUCKETS
    bucket[list(left_out)] = BUCKETS
    return bucket
