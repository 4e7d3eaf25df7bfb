"""What a head of a run was asked, and what it answered, in words: rebuilt from metrics.json."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from training.problem_types import (
    BALANCED_BINARY,
    BALANCED_MULTICLASS,
    BINARY,
    MULTICLASS,
    MULTILABEL,
    QUANTILES,
    REGRESSION,
    UNIT_REGRESSION,
    VALUES,
    Multilabel,
    Problem,
    Quantiles,
)
from training.problem_types.classes import Classes
from training.runs.rows import Answered

_KNOWN = {
    (problem.name, problem.metric): problem
    for problem in (
        BINARY,
        MULTICLASS,
        BALANCED_BINARY,
        BALANCED_MULTICLASS,
        MULTILABEL,
        REGRESSION,
        UNIT_REGRESSION,
        VALUES,
        QUANTILES,
    )
}


@dataclass(frozen=True)
class Question:
    """The *problem* of a head with the names of its *labels*, or of its several *values*."""

    problem: Problem
    labels: Sequence[str]
    values: Sequence[str]

    @property
    def is_of_classes(self) -> bool:
        """Whether an answer is right or wrong."""
        return isinstance(self.problem, Classes | Multilabel)

    @property
    def width(self) -> int:
        """The number of scores of an answer."""
        if isinstance(self.problem, Quantiles):
            return len(self.problem.levels)
        return 1 if self.problem.name == BINARY.name else len(self.labels or self.values) or 1

    def fits(self, answered: Answered, recorded: float | None, rows: int) -> bool:
        """Return whether targets and scores are of this question, with the metric that was *recorded* of all *rows*."""
        targets, scores = answered.targets, answered.scores
        columns = self.problem.columns(self.width)
        if isinstance(self.problem, Classes) and len(self.labels) < max(2, self.width):
            return False
        if scores.shape[1:] != (self.width,) or targets.shape[1:] != ((columns,) if columns else ()):
            return False
        if not self.problem.allowed(self.width, targets).all() or not np.isfinite(scores).all():
            return False
        if recorded is None or len(targets) < rows:
            return True
        return bool(np.isclose(self.problem.measure(targets, scores), recorded, rtol=1e-4, atol=1e-6))

    def target(self, answered: Answered, row: int) -> str:
        """Return the target of a row, the same for the same truth whatever numbers the labels have."""
        target = answered.targets[row]
        if isinstance(self.problem, Multilabel):
            return self._tags(target.astype(bool))
        if isinstance(self.problem, Classes):
            return self.labels[int(target)]
        return self._numbers(np.atleast_1d(target))

    def answer(self, answered: Answered, row: int) -> str:
        """Return the answer to a row."""
        scores = answered.scores[row]
        if isinstance(self.problem, Multilabel):
            return self._tags(self.problem.reached(scores[np.newaxis])[0])
        if isinstance(self.problem, Classes):
            binary = len(scores) == 1
            best, likely = (int(scores[0] >= 0.5), scores[0]) if binary else (int(scores.argmax()), scores.max())
            return f"{self.labels[best]} ({likely if best or not binary else 1 - likely:.3f})"
        if self.values:
            return self._numbers(scores)
        ordered = np.sort(scores)
        bounds = f" ({ordered[0]:.4g} to {ordered[-1]:.4g})" if len(ordered) > 1 else ""
        return f"{ordered[len(ordered) // 2]:.4g}{bounds}"

    def _tags(self, holds: np.ndarray) -> str:
        return ", ".join(label for label, on in zip(self.labels, holds, strict=True) if on) or "none"

    def _numbers(self, numbers: np.ndarray) -> str:
        if not self.values:
            return f"{numbers[0]:.6g}"
        return ", ".join(f"{name} {number:.6g}" for name, number in zip(self.values, numbers, strict=True))


def question_of(of_head: Mapping[str, Any]) -> Question | None:
    """Return what a head was asked, by its part of metrics.json; None if its type of problem is not ours."""
    problem: Problem | None = _KNOWN.get((of_head["problem"], of_head["metric"]))
    if isinstance(problem, Multilabel):
        problem = replace(problem, thresholds=tuple(of_head["thresholds"]))
    return None if problem is None else Question(problem, of_head["labels"], [*of_head["values"]])
