"""The confusion matrix as the page shows it: a table, whose labels the browser draws in any script."""

from dataclasses import dataclass

import numpy as np

MOST_CLASSES = 64
"""Of more classes, a figure without names is drawn."""
_STRONG = 0.55
"""From this shade on, dark letters can't be read."""


@dataclass(frozen=True)
class Cell:
    """The *count* of rows of a class with one answer, and the *shade*, from 0 to 1, of their share of the class."""

    count: int
    shade: float

    @property
    def is_strong(self) -> bool:
        """Whether the shade is too dark for dark letters."""
        return self.shade > _STRONG


def shaded(matrix: np.ndarray) -> list[list[Cell]]:
    """Return the cells of `int[classes, classes]`, row = true class.

    The shade is the square root of the share, which makes rare confusions visible: 1 % gets a tenth, not a hundredth.
    """
    shades = np.sqrt(matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)).round(3)
    return [
        [Cell(count, shade) for count, shade in zip(*row, strict=True)]
        for row in zip(matrix.tolist(), shades.tolist(), strict=True)
    ]
