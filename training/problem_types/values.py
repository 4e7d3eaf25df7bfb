"""Problems whose targets are numbers: one, several, or one with the bounds that hold it."""

from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np

from serving.contract.heads import Head, Interval, Value, Values
from training.problem_types.problem import Problem

_LARGEST = 1e18
"""The square of a larger target is no float32, and its loss not finite."""


@dataclass(frozen=True)
class Regression(Problem):
    """A number: targets are `float[n]`.

    With a *scale*, the output layer gives standard deviations around *offset*, and the loss is in these. A problem that
    *standardises* takes them from its training targets; without, its numbers are learned in their own unit, as in the
    textbook.
    """

    naive_name = "mean"
    answered_by: ClassVar[type[Head]] = Value
    standardises: bool = False
    offset: tuple[float, ...] = ()
    scale: tuple[float, ...] = ()

    def naive_scores(self, targets: np.ndarray, rows: int, width: int) -> np.ndarray:
        """Return the mean of the training targets."""
        return np.full((rows, width), targets.mean(axis=0), np.float32)

    def costs(self, targets: np.ndarray, scores: np.ndarray) -> np.ndarray:
        """Return the absolute errors, in the target's unit."""
        return np.asarray(np.abs(scores[:, 0].astype(np.float64) - targets.reshape(-1)))

    def expected(self, width: int) -> str:
        """Return what a target must be."""
        return "a number from 0 to 1" if self.activation == "sigmoid" else f"a finite number of at most {_LARGEST:g}"

    def allowed(self, width: int, targets: np.ndarray) -> np.ndarray:
        """Return which targets are finite, and within 0 to 1 if this is what the activation gives."""
        if self.activation == "sigmoid":
            return np.asarray((targets >= 0) & (targets <= 1))
        return np.asarray(np.abs(targets) <= _LARGEST)  # NaN is not

    def scaled(self, targets: np.ndarray) -> Self:
        """Take mean and standard deviation of the training *targets*, if the problem standardises."""
        if not self.standardises:
            return self
        columns = targets.reshape(len(targets), -1).astype(np.float64)
        deviations = columns.std(axis=0)
        scale = np.where(deviations > 0, deviations, 1.0)
        return replace(self, offset=tuple(columns.mean(axis=0).tolist()), scale=tuple(scale.tolist()))

    def finished(self, head: Head, targets: np.ndarray, scores: np.ndarray) -> Head:
        """Give *head* the bounds of a share, if the target is one."""
        if self.activation == "sigmoid" and isinstance(head, Value):
            return replace(head, low=0.0, high=1.0)
        return head


@dataclass(frozen=True)
class _Values(Regression):
    """Several numbers: targets are `float[n, values]`. The metric is the mean of their R2."""

    answered_by = Values

    def measure(self, targets: np.ndarray, scores: np.ndarray) -> float:
        """Return the R2 of each number, averaged (scikit-learn's `uniform_average`)."""
        return float(np.mean(r2_scores(targets, scores)))

    def costs(self, targets: np.ndarray, scores: np.ndarray) -> np.ndarray:
        """Return the squared errors as shares of the number's variance, averaged by row."""
        squares = (scores.astype(np.float64) - targets) ** 2
        return np.asarray((squares / np.maximum(targets.astype(np.float64).var(axis=0), 1e-12)).mean(axis=1))

    def columns(self, width: int) -> int:
        """Return the number of values."""
        return width


@dataclass(frozen=True)
class Quantiles(Regression):
    """A number and the two quantiles around it: targets are `float[n]`, scores those of *levels*, in ascending order.

    The metric is the pinball loss, averaged over rows and levels (Koenker & Bassett 1978, "Regression Quantiles").
    """

    naive_name = "quantiles of the training rows"
    answered_by = Interval
    levels: tuple[float, float, float] = (0.05, 0.5, 0.95)

    def naive_scores(self, targets: np.ndarray, rows: int, width: int) -> np.ndarray:
        """Return the quantiles of the training targets."""
        return np.tile(np.quantile(targets, self.levels).astype(np.float32), (rows, 1))

    def costs(self, targets: np.ndarray, scores: np.ndarray) -> np.ndarray:
        """Return each row's pinball loss, averaged over the levels, in the target's unit."""
        errors = targets.reshape(-1, 1) - np.sort(scores.astype(np.float64), axis=1)
        levels = np.array(self.levels)
        return np.asarray(np.maximum(levels * errors, (levels - 1) * errors).mean(axis=1))

    def finished(self, head: Head, targets: np.ndarray, scores: np.ndarray) -> Head:
        """Tell the share of test rows whose target the intervals hold."""
        return replace(head, coverage=coverage(targets, scores)) if isinstance(head, Interval) else head


REGRESSION = Regression("regression", None, "mse", "mae", False)
STANDARDISED_REGRESSION = replace(REGRESSION, standardises=True)
"""For targets whose unit is small or large: prices in cents, say."""
UNIT_REGRESSION = Regression("unit_regression", "sigmoid", "mse", "mae", False)
"""Regression whose target is a share, from 0 to 1."""
VALUES = _Values("several_values", None, "mse", "r2", True, standardises=True)
QUANTILES = Quantiles("quantile_regression", None, "pinball", "pinball", False, standardises=True)


def coverage(targets: np.ndarray, scores: np.ndarray) -> float:
    """Return the share of targets between the lowest and the highest of their scores."""
    true = targets.reshape(-1)
    return float(np.mean((scores.min(axis=1) <= true) & (true <= scores.max(axis=1))))


def r2_scores(targets: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Return the R2 of each column of two `float[n, values]`; 0 where all targets are equal."""
    true = targets.astype(np.float64)
    errors, variances = ((scores.astype(np.float64) - true) ** 2).mean(axis=0), true.var(axis=0)
    return np.where(variances > 0, 1 - errors / np.where(variances > 0, variances, 1.0), 0.0)
