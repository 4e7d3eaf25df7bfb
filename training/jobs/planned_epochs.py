"""How many epochs a job will take, so that it can show how far it is."""

from collections.abc import Callable, Sequence

import numpy as np

from training.experiments.overrides import settings
from training.task import Recipe
from training.validation import ValidationStrategy


class EpochCounter:
    """Calls *show* with the share of *planned* epochs that are done, as they are counted."""

    def __init__(self, planned: int, show: Callable[[float], object]) -> None:
        self._planned = planned
        self._show = show
        self._done = 0

    def count(self, epochs: int) -> None:
        """Count some epochs as done."""
        self._done += epochs
        if self._planned:
            self._show(min(self._done / self._planned, 1.0))


def planned_epochs(
    recipe: Recipe, plainer: Sequence[Recipe], strategy: ValidationStrategy, rows: int, seed: int
) -> int:
    """Return the epochs of validating and training *recipe*, and of validating those that are *plainer*, on *rows*.

    It is an estimate: early stopping ends before, and a recipe of somebody else's may count its epochs otherwise.
    """
    folds = sum(1 for _ in strategy.splits(np.zeros(rows), seed))
    return (folds + 1) * _epochs(recipe) + folds * sum(map(_epochs, plainer))


def _epochs(recipe: Recipe) -> int:
    """Return the sum of a recipe's settings of epochs: `epochs`, or those of each stage such as `head_epochs`."""
    return sum(value for name, value in settings(recipe).items() if name.endswith("epochs") and isinstance(value, int))
