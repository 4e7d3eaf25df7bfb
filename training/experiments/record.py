"""Everything worth reporting about one training run, as plain values: the job fills it in, the report reads it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from serving.contract.heads import Head, Interval, Labels, TagSet, Value
from training.problem_types import Problem

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
    on all rows. *test_instances* are raw: text, numbers, or the bytes of an image. *test_targets* is `int[n]`,
    `[n, tags]` of 0 and 1, `float[n]` or `float[n, values]`; *test_scores* is `float[n, width]`, as *head* reads them.
    *baselines* has the metric of each baseline on the test rows, by name; *compared* has other recipes, measured on the
    same folds. *seconds* is by stage of the run. *sample* is true for the built-in sample. *code* has the fingerprint
    of the code and its commits. *decision* is that of the gate, once there is one, *lite* tells of the lite form.

    Of a model with several heads, this is the main one, called *head_name*; *others* has a record of each other, by
    name, without folds. Raises ValueError if these don't fit together.
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
    head: Head
    head_name: str = ""
    others: Mapping[str, "RunRecord"] = field(default_factory=dict)
    baselines: Mapping[str, float] = field(default_factory=dict)
    compared: Mapping[str, Sequence[FoldRecord]] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[str] = ()
    sample: bool = False
    code: Mapping[str, Any] = field(default_factory=dict)
    decision: str = ""
    lite: str = ""

    def __post_init__(self) -> None:
        rows = {len(part) for part in (self.test_instances, self.test_targets, self.test_scores)}
        if len(rows) > 1 or rows == {0}:
            raise ValueError(
                f"{self.model}: expected test instances, targets and scores of one length, got {sorted(rows)} rows"
            )
        if self.test_scores.shape[1:] != self.head.output.shape[1:]:
            expected, got = self.head.output.shape[1], list(self.test_scores.shape)
            raise ValueError(
                f"{self.model}: expected scores [n, {expected}] for the head '{self.head.kind}', got {got}"
            )
        if not np.isfinite(self.test_scores).all():
            raise ValueError(f"{self.model}: the test scores are not finite, so training has diverged")

    @property
    def metric(self) -> str:
        """Name of the metric that the run is evaluated by."""
        return self.problem.metric

    @property
    def curve(self) -> str:
        """Name of the metric's curve in the stages."""
        return f"{self.head_name}_{self.metric}" if self.head_name else self.metric

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of the classes or tags; other heads have none."""
        return self.head.names if isinstance(self.head, Labels | TagSet) else ()

    @property
    def unit(self) -> str:
        """The unit of the only number; other heads have none."""
        return self.head.unit if isinstance(self.head, Value | Interval) else ""

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
