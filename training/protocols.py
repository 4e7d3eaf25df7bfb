"""Evaluation protocols: which rows train and which validate, for each fold."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol as Interface

import numpy as np

Split = tuple[np.ndarray, np.ndarray]
"""Row numbers to train on, row numbers to validate on: disjoint, and together all rows."""


class Protocol(Interface):
    """A way of splitting rows."""

    @property
    def name(self) -> str:
        """What the protocol is called in a report."""
        ...

    def splits(self, rows: int, seed: int) -> Iterator[Split]:
        """Yield one split for each fold."""
        ...


@dataclass(frozen=True)
class HoldOut:
    """One fold that validates on *share* of the shuffled rows."""

    share: float
    name: str = "hold-out"

    def splits(self, rows: int, seed: int) -> Iterator[Split]:
        """Yield the one split."""
        shuffled = np.random.default_rng(seed).permutation(rows)
        held_out = max(1, round(rows * self.share))
        yield shuffled[held_out:], shuffled[:held_out]


@dataclass(frozen=True)
class KFold:
    """*folds* folds, each of which validates once on its part of the shuffled rows."""

    folds: int

    @property
    def name(self) -> str:
        """What the protocol is called in a report."""
        return f"{self.folds}-fold"

    def splits(self, rows: int, seed: int) -> Iterator[Split]:
        """Yield one split for each fold."""
        parts = np.array_split(np.random.default_rng(seed).permutation(rows), self.folds)
        for fold, validation in enumerate(parts):
            yield np.concatenate(parts[:fold] + parts[fold + 1 :]), validation
