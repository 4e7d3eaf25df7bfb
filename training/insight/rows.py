"""Which rows are looked at: all of them, or some that are drawn by lot."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from training.data.datasets import Part
from training.insight.facets import Facet, facets

MOST_ROWS = 5_000
MOST_PICTURES = 1_000
"""So many rows of a part are looked at, if they have a picture each."""
_FIRST = 10


@dataclass(frozen=True, eq=False)
class Looked:
    """The numbers of the *rows* of a part that were looked at, ascending, and their *facets*."""

    rows: np.ndarray
    facets: Sequence[Facet]

    @classmethod
    def at(cls, part: Part, kinds: Mapping[str, str]) -> "Looked":
        """Look at some rows of *part*, with fields of these *kinds*."""
        rows = some(part)
        return cls(rows, facets(part.rows(rows).instances, kinds))


def some(part: Part) -> np.ndarray:
    """Return the numbers of the rows to look at, ascending: by lot if they are too many, but always the same ones."""
    first = part.rows(np.arange(min(len(part), _FIRST))).instances
    has_picture = any(isinstance(value, bytes) for row in first for value in row.values())
    most = MOST_PICTURES if has_picture else MOST_ROWS
    if len(part) <= most:
        return np.arange(len(part))
    return np.sort(np.random.default_rng(0).choice(len(part), most, replace=False))
