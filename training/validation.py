"""Validation strategies: which rows train and which validate, by fold (Chollet, Deep Learning with Python, ch. 5).

All shuffle the rows, except the time-ordered one. If the targets are classes, each fold gets its share of every class.
"""

from collections.abc import Iterator
from dataclasses import Field, dataclass, fields
from typing import Any, ClassVar, Protocol

import numpy as np

from training.errors import BadRequest

Split = tuple[np.ndarray, np.ndarray]
"""Indices of the training rows, and of the validation rows."""


class ValidationStrategy(Protocol):
    """How rows are split for training and validation: a frozen dataclass."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    @property
    def name(self) -> str:
        """Name of the strategy, for `--protocol` and in reports."""
        ...

    def splits(self, targets: np.ndarray, seed: int) -> Iterator[Split]:
        """Yield one split for each fold."""
        ...


@dataclass(frozen=True)
class HoldOut:
    """One fold, which validates on a random *share* of the rows."""

    share: float = 0.2
    name: ClassVar[str] = "holdout"

    def splits(self, targets: np.ndarray, seed: int) -> Iterator[Split]:
        """Yield the single split."""
        counts = np.floor(np.arange(len(targets) + 1) * self.share)
        yield _split(_dealt(targets, seed), np.diff(counts) > 0)


@dataclass(frozen=True)
class KFold:
    """*folds* folds, each of which validates on its own part of the rows."""

    folds: int = 4
    name: ClassVar[str] = "kfold"

    def splits(self, targets: np.ndarray, seed: int) -> Iterator[Split]:
        """Yield one split for each fold."""
        rows = _dealt(targets, seed)
        for fold in range(self.folds):
            yield _split(rows, np.arange(len(rows)) % self.folds == fold)


@dataclass(frozen=True)
class RepeatedKFold:
    """K-fold, repeated *repeats* times with new shuffles: for small data sets, where a single shuffle decides a lot."""

    folds: int = 4
    repeats: int = 3
    name: ClassVar[str] = "repeated-kfold"

    def splits(self, targets: np.ndarray, seed: int) -> Iterator[Split]:
        """Yield *folds* times *repeats* splits."""
        for repeat in range(self.repeats):
            yield from KFold(self.folds).splits(targets, seed + 1000 * repeat)


@dataclass(frozen=True)
class TimeOrdered:
    """One fold, which validates on the last *share* of the rows, in order of time. It does not shuffle."""

    share: float = 0.2
    name: ClassVar[str] = "time-ordered"

    def splits(self, targets: np.ndarray, seed: int) -> Iterator[Split]:
        """Yield the single split."""
        rows = np.arange(len(targets))
        yield _split(rows, rows >= len(rows) - max(1, round(len(rows) * self.share)))


@dataclass(frozen=True)
class NoValidation:
    """No fold: the model is trained once, on all rows, and nothing is chosen or measured on validation rows."""

    name: ClassVar[str] = "none"

    def splits(self, targets: np.ndarray, seed: int) -> Iterator[Split]:
        """Yield nothing."""
        yield from ()


STRATEGIES: dict[str, type[HoldOut | KFold | RepeatedKFold | TimeOrdered | NoValidation]] = {
    strategy.name: strategy for strategy in (HoldOut, KFold, RepeatedKFold, TimeOrdered, NoValidation)
}


def make_strategy(name: str | None, **options: Any) -> ValidationStrategy | None:
    """Return the strategy called *name* with the options that are not None; without a name, return None.

    Raises BadRequest for an option that the strategy does not have.
    """
    given = {option: value for option, value in options.items() if value is not None}
    if name is None:
        if given:
            raise BadRequest(f"--{next(iter(given))} requires --protocol")
        return None
    known = [field.name for field in fields(STRATEGIES[name])]
    for option in given:
        if option not in known:
            takes = ", ".join(f"--{each}" for each in known) or "none"
            raise BadRequest(f"--{option} is not an option of --protocol {name}, which takes {takes}")
    return STRATEGIES[name](**given)


def checked_splits(
    strategy: ValidationStrategy, targets: np.ndarray, seed: int, groups: np.ndarray | None = None
) -> list[Split]:
    """Return the splits, each of which is checked to be disjoint, to cover every row, and to leave neither side empty.

    With *groups*, `int[n]`, whole groups are split, whatever their targets. Raises BadRequest if there are too few
    rows, before any fold is trained.
    """
    splits = list(strategy.splits(targets, seed) if groups is None else _by_group(strategy, groups, seed))
    for train, validation in splits:
        if not len(train) or not len(validation):
            raise BadRequest(f"{len(targets)} rows are too few for {strategy}")
        if not np.array_equal(np.sort(np.concatenate((train, validation))), np.arange(len(targets))):
            raise AssertionError(f"{strategy}: a split has a row twice, or lacks one")
    return splits


def _by_group(strategy: ValidationStrategy, groups: np.ndarray, seed: int) -> Iterator[Split]:
    different = np.unique(groups)
    for train, validation in strategy.splits(np.zeros(len(different)), seed):
        if not len(train) or not len(validation):
            raise BadRequest(f"{len(different)} groups of rows are too few for {strategy}")
        validates = np.isin(groups, different[validation])
        yield _split(np.arange(len(groups)), validates)


def _dealt(targets: np.ndarray, seed: int) -> np.ndarray:
    """Return shuffled row indices, grouped by class if targets are classes, so that every n-th is a fair share."""
    noise = np.random.default_rng(seed).random(len(targets))
    classes = targets if targets.ndim == 1 and np.issubdtype(targets.dtype, np.integer) else np.zeros(len(targets))
    return np.lexsort((noise, classes))


def _split(rows: np.ndarray, validates: np.ndarray) -> Split:
    return rows[~validates], rows[validates]
