"""Which rows are looked at: all of them, or some that are drawn by lot."""

import itertools

import numpy as np

from training.data.datasets import Part

MOST_ROWS = 5_000
MOST_PICTURES = 1_000
"""So many rows of a part are looked at, if they have a picture each."""
_FIRST = 10


def some(part: Part) -> np.ndarray:
    """Return the numbers of the rows to look at, ascending: by lot if they are too many, but always the same ones."""
    first = list(itertools.islice(part.instances, _FIRST))
    has_picture = any(isinstance(value, bytes) for row in first for value in row.values())
    most = MOST_PICTURES if has_picture else MOST_ROWS
    if len(part) <= most:
        return np.arange(len(part))
    return np.sort(np.random.default_rng(0).choice(len(part), most, replace=False))
