"""Everything worth reporting about one training run, as plain values: the job fills it in, the report reads it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from training.problem_types import MULTILABEL, Problem

Stages = Mapping[str, Mapping[str, Sequence[float]]]
"""Keras's `History.history` of each stage, by the stage's name: `loss`, the metric, and both with the prefix `val_`."""


@dataclass(frozen=True, kw_only=True)
class FoldRecord:
    """One fold: its curves, the metric on its validation rows, and the number of rows on each side."""

    stages: Stages
    metric: float
    train_rows: int
    validation_rows: int


@dataclass(frozen=True, kw_only=True, eq=False)  # comparing arrays yields an array, not a bool
class RunRecord:
    """A run, from its data to its only evaluation on the test rows.

    *protocol* has the `name` and the settings of the validation strategy. *final* has the curves of the final training,
    on all rows. *test_instances* are raw: text, numbers, or the bytes of an image. *test_targets* is `int[n]` (or
    one-hot `[n, classes]`), `[n, labels]` of 0 and 1 for multi-label, or `float[n]`; *test_scores* is
    `float[n, width]`. *labels* are the names of the classes; a regression has none, but may have a *unit*. *baselines*
    has the metric of each baseline on the test rows, by name; *compared* has other recipes, measured on the same
    folds. *seconds* is by stage of the run. *sample* is true for the built-in sample. *decision* is that of the gate,
    once there is one. Raises ValueError if these don't fit together.
    """

    model: str
    problem: Problem
    recipe: str
    settings: Mapping[str, Any]
    data: str
    data_sha256: str
    seed: int
    protocol: Mapping[str, Any]
    folds: Sequence[FoldRecord]
    final: Stages
    train_rows: int
    test_instances: Sequence[Mapping[str, Any]] = field(repr=False)
    test_targets: np.ndarray = field(repr=False)
    test_scores: np.ndarray = field(repr=False)
    labels: tuple[str, ...] = ()
    unit: str = ""
    baselines: Mapping[str, float] = field(default_factory=dict)
    compared: Mapping[str, Sequence[FoldRecord]] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[str] = ()
    sample: bool = False
    decision: str = ""

    def __post_init__(self) -> None:
        rows = {len(part) for part in (self.test_instances, self.test_targets, self.test_scores)}
        if len(rows) > 1 or rows == {0}:
            raise ValueError(
                f"{self.model}: expected test instances, targets and scores of one length, got {sorted(rows)} rows"
            )
        width = len(self.labels) if len(self.labels) > 2 or self.problem == MULTILABEL else 1
        if self.test_scores.shape[1:] != (width,):
            shape, names = self.test_scores.shape, self.labels
            raise ValueError(f"{self.model}: expected scores [n, {width}] for labels {names}, got {shape}")
        if not np.isfinite(self.test_scores).all():
            raise ValueError(f"{self.model}: the test scores are not finite, so training has diverged")

    @property
    def metric(self) -> str:
        """Name of the metric that the run is evaluated by."""
        return self.problem.metric

    @property
    def validation(self) -> np.ndarray:
        """Metric of each fold: `float64[folds]`."""
        return metrics_of(self.folds)

    @property
    def validated(self) -> Mapping[str, Sequence[FoldRecord]]:
        """Folds of each recipe that was validated; the run's own recipe comes last."""
        return {**self.compared, self.recipe: self.folds}


def metrics_of(folds: Sequence[FoldRecord]) -> np.ndarray:
    """Return the metric of each fold: `float64[folds]`."""
    return np.array([fold.metric for fold in folds], np.float64)
