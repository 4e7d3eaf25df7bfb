"""How many fits and epochs a job will take, by its recipe and its folds."""

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
    folds = _folds(strategy, rows, seed)
    return (folds + 1) * sum(_stages(recipe)) + folds * sum(sum(_stages(each)) for each in plainer)


def validation_fits(recipe: Recipe, strategy: ValidationStrategy, rows: int, seed: int) -> int:
    """Return the number of fits by which *strategy* validates *recipe* on *rows*: one for each fold and stage."""
    return _folds(strategy, rows, seed) * len(_stages(recipe))


def _folds(strategy: ValidationStrategy, rows: int, seed: int) -> int:
    return sum(1 for _ in strategy.splits(np.zeros(rows), seed))


def _stages(recipe: Recipe) -> list[int]:
    """Return the epochs of each of a recipe's stages: as it says itself, else its settings that end in `epochs`."""
    if hasattr(recipe, "stages"):
        return list(recipe.stages())
    counts = [value for name, value in settings(recipe).items() if name.endswith("epochs") and isinstance(value, int)]
    return [count for count in counts if count]
