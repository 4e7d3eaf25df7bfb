"""Quality measures of answers: pure numpy, over all test rows at once. Undefined measures are NaN."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

BINS = 15
"""Number of bins of the calibration error, as in Guo et al., On Calibration of Modern Neural Networks, ICML 2017."""

EPSILON = 1e-7
"""Probabilities are clipped to this before taking their logarithm, as in Keras."""


@dataclass(frozen=True)
class ClassMeasures:
    """Measures of one class: *support* rows belong to it, *predicted* rows were assigned to it."""

    label: str
    precision: float
    recall: float
    f1: float
    support: int
    predicted: int


@dataclass(frozen=True)
class Bin:
    """Answers whose confidence lies in (*low*, *high*]: their number, mean confidence, and share of correct ones."""

    low: float
    high: float
    rows: int
    confidence: float
    accuracy: float


def confusion_matrix(targets: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Return the counts `int64[classes, classes]` for two `int[n]`: row = true class, column = predicted class."""
    return np.bincount(targets * classes + predicted, minlength=classes * classes).reshape(classes, classes)


def class_measures(
    labels: Sequence[str], hits: np.ndarray, predicted: np.ndarray, support: np.ndarray
) -> tuple[ClassMeasures, ...]:
    """Return each class's measures from three `int[classes]`: rows correctly assigned, all rows assigned, and its rows.

    A class that was never predicted has precision 0; one without rows has recall 0; with neither, it has NaN
    throughout.
    """
    precision, recall = hits / np.maximum(predicted, 1), hits / np.maximum(support, 1)
    f1 = 2 * hits / np.maximum(predicted + support, 1)
    seen = predicted + support > 0
    columns = [np.where(seen, column, np.nan).tolist() for column in (precision, recall, f1)]
    rows = zip(labels, *columns, support.tolist(), predicted.tolist(), strict=True)
    return tuple(ClassMeasures(*row) for row in rows)


def macro_f1(classes: Sequence[ClassMeasures]) -> float:
    """Return the mean F1 of the classes that occur, as scikit-learn's `f1_score(average="macro")` does."""
    return _mean([measured.f1 for measured in classes if measured.support + measured.predicted])


def log_losses(targets: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Return the cross-entropy in nats, `float64[n]`, of `targets: int[n]` under `probabilities: float[n, classes]`."""
    likelihood = probabilities[np.arange(len(targets)), targets].astype(np.float64)
    losses: np.ndarray = -np.log(np.clip(likelihood, EPSILON, 1 - EPSILON))
    return losses


def reliability(confidence: np.ndarray, right: np.ndarray, bins: int = BINS) -> tuple[Bin, ...]:
    """Return equally wide bins of `confidence: float[n]`, from 0 to 1, with the share of `right: bool[n]` in each.

    This is the reliability diagram of Guo et al. 2017; an answer's confidence is the probability of its class.
    """
    edges = np.linspace(0, 1, bins + 1)
    place = np.clip(np.searchsorted(edges, confidence, side="left") - 1, 0, bins - 1)
    return tuple(
        Bin(float(low), float(high), int(inside.sum()), _mean(confidence[inside]), _mean(right[inside]))
        for low, high, inside in zip(edges, edges[1:], (place == number for number in range(bins)), strict=False)
    )


def expected_calibration_error(bins: Sequence[Bin]) -> float:
    """Return the mean |accuracy - confidence| of the bins, weighted by their rows (Guo et al. 2017, equation 3)."""
    rows = sum(each.rows for each in bins)
    return sum(each.rows * abs(each.accuracy - each.confidence) for each in bins if each.rows) / rows


def roc_auc(targets: np.ndarray, scores: np.ndarray) -> float:
    """Return how often a row of the second class scores higher than one of the first (Hanley & McNeil 1982).

    *targets* are `int[n]` of 0 and 1, *scores* `float[n]`; equal scores count half. Without rows of both classes, NaN.
    """
    ones = int(targets.sum())
    pairs = ones * (len(targets) - ones)
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    return float((ranks[targets == 1].sum() - ones * (ones + 1) / 2) / pairs) if pairs else float("nan")


def regression_measures(targets: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """Return `mae` and `rmse`, in the target's unit, and `r2`, the share of variance explained, for two `float[n]`."""
    errors = predicted.astype(np.float64) - targets
    variance = float(np.var(targets.astype(np.float64)))
    mse = float(np.mean(errors**2))
    return {
        "mae": float(np.mean(np.abs(errors))),
        "rmse": mse**0.5,
        "r2": 1 - mse / variance if variance else float("nan"),
    }


def _mean(values: Sequence[float] | np.ndarray) -> float:
    return float(np.mean(values)) if len(values) else float("nan")
