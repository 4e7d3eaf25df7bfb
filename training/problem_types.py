"""Output activation, loss and metric of each problem type (Chollet, Deep Learning with Python, ch. 4)."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Problem:
    """How a type of problem is trained and evaluated. *higher_is_better* describes *metric*."""

    name: str
    activation: str | None
    loss: str
    metric: str
    higher_is_better: bool

    @property
    def naive_name(self) -> str:
        """Name of the naive baseline."""
        return "mean" if self.metric == "mae" else "most frequent class"

    def naive_scores(self, targets: np.ndarray, rows: int, width: int) -> np.ndarray:
        """Return the naive baseline's scores: `float32[rows, width]`.

        It knows the training *targets* only, and always predicts their most frequent class, or their mean.
        """
        if self.metric == "mae":
            return np.full((rows, 1), targets.mean(), np.float32)
        if self is MULTICLASS:
            return np.tile(np.eye(width, dtype=np.float32)[np.bincount(targets).argmax()], (rows, 1))
        return np.tile((targets.mean(axis=0) >= 0.5).astype(np.float32), (rows, 1)).reshape(rows, -1)

    def measure(self, targets: np.ndarray, scores: np.ndarray) -> float:
        """Return *metric* of `scores: float[n, width]`."""
        if self.metric == "mae":
            return float(np.mean(np.abs(scores[:, 0] - targets)))
        if self is MULTICLASS:
            return float(np.mean(scores.argmax(axis=1) == targets))
        return float(np.mean((scores >= 0.5) == targets.reshape(scores.shape)))

    def costs(self, targets: np.ndarray, scores: np.ndarray) -> np.ndarray:
        """Return what *metric* averages, by row: the absolute error, or the share of wrong answers; `float64[n]`."""
        if self.metric == "mae":
            return np.asarray(np.abs(scores[:, 0].astype(np.float64) - targets.reshape(-1)))
        if self is MULTICLASS:
            return np.asarray(scores.argmax(axis=1) != targets, np.float64)
        return np.asarray(((scores >= 0.5) != targets.reshape(scores.shape)).mean(axis=1))


BINARY = Problem("binary", "sigmoid", "binary_crossentropy", "accuracy", True)
MULTICLASS = Problem("multiclass", "softmax", "sparse_categorical_crossentropy", "accuracy", True)
MULTILABEL = Problem("multilabel", "sigmoid", "binary_crossentropy", "accuracy", True)
REGRESSION = Problem("regression", None, "mse", "mae", False)
UNIT_REGRESSION = Problem("unit_regression", "sigmoid", "mse", "mae", False)
"""Regression whose target lies between 0 and 1."""

_QUESTIONS = ({"binary", "multiclass"}, {"multilabel"}, {"regression", "unit_regression"})


def same_question(one: str, other: str) -> bool:
    """Return whether the answers to two problem types, given by name, can be compared with the same targets."""
    return any({one, other} <= names for names in _QUESTIONS)
