"""Computes, from a run's record, what the report says about its answers to the test rows."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from training.experiments.record import RunRecord
from training.problem_types import MULTILABEL
from training.report.curves import Onset, onsets
from training.report.measures import (
    EPSILON,
    Bin,
    ClassMeasures,
    class_measures,
    confusion_matrix,
    expected_calibration_error,
    log_losses,
    macro_f1,
    regression_measures,
    reliability,
)

MAX_MISTAKES = 12
"""Maximum number of mistakes that are shown."""


@dataclass(frozen=True)
class Mistake:
    """A wrong answer: index of the test row, true and predicted value, confidence, and loss.

    *loss* is the row's cross-entropy, or the absolute error in the target's unit.
    """

    row: int
    true: str
    answer: str
    confidence: float | None
    loss: float


@dataclass(frozen=True, eq=False)
class Evaluation:
    """All measures of a run. A regression has no classes, confusion matrix or bins; a multi-label run has no matrix.

    *probability* is that of the second class, by test row; only a binary problem has it.
    """

    measures: Mapping[str, float]
    onsets: tuple[Onset, ...]
    mistakes: tuple[Mistake, ...]
    wrong: int
    classes: tuple[ClassMeasures, ...] = ()
    confusion: np.ndarray | None = None
    bins: tuple[Bin, ...] = ()
    probability: np.ndarray | None = None


def evaluate(record: RunRecord) -> Evaluation:
    """Return the measures for the run's type of problem; the run's own metric comes first."""
    if not record.labels:
        return _evaluate_values(record)
    return _evaluate_label_sets(record) if record.problem == MULTILABEL else _evaluate_labels(record)


def true_labels(record: RunRecord) -> np.ndarray:
    """Return the true classes as `int64[n]`, also if the targets are one-hot."""
    targets = record.test_targets.reshape(len(record.test_targets), -1)
    return (targets.argmax(axis=1) if targets.shape[1] > 1 else targets[:, 0]).astype(np.int64)


def _evaluate_labels(record: RunRecord) -> Evaluation:
    scores, targets = record.test_scores.astype(np.float64), true_labels(record)
    binary = scores.shape[1] == 1
    probabilities = np.hstack([1 - scores, scores]) if binary else scores
    # 0.5 counts as the second class, as it does in the metric; argmax would take the first
    predicted = (scores[:, 0] >= 0.5).astype(np.int64) if binary else scores.argmax(axis=1)
    matrix = confusion_matrix(targets, predicted, len(record.labels))
    classes = class_measures(record.labels, np.diag(matrix), matrix.sum(axis=0), matrix.sum(axis=1))
    losses, right = log_losses(targets, probabilities), targets == predicted
    confidence = probabilities[np.arange(len(targets)), predicted]
    bins = reliability(confidence, right)
    mistakes = tuple(
        Mistake(
            row, record.labels[targets[row]], record.labels[predicted[row]], float(confidence[row]), float(losses[row])
        )
        for row in _worst(losses, ~right)
    )
    return Evaluation(
        measures=_measures_of_classes(record, classes, bins, losses),
        onsets=_onsets(record),
        mistakes=mistakes,
        wrong=int((~right).sum()),
        classes=classes,
        confusion=matrix,
        bins=bins,
        probability=scores[:, 0] if binary else None,
    )


def _evaluate_label_sets(record: RunRecord) -> Evaluation:
    scores, targets = record.test_scores.astype(np.float64), record.test_targets.astype(bool)
    predicted = scores >= 0.5
    hits, taken, support = (rows.sum(axis=0) for rows in (predicted & targets, predicted, targets))
    classes = class_measures(record.labels, hits, taken, support)
    likelihood = np.clip(np.where(targets, scores, 1 - scores), EPSILON, 1 - EPSILON)
    losses, right = -np.log(likelihood).mean(axis=1), (predicted == targets).all(axis=1)
    bins = reliability(np.maximum(scores, 1 - scores).ravel(), (predicted == targets).ravel())
    mistakes = tuple(
        Mistake(
            row, _listed(record.labels, targets[row]), _listed(record.labels, predicted[row]), None, float(losses[row])
        )
        for row in _worst(losses, ~right)
    )
    measures = _measures_of_classes(record, classes, bins, losses)
    return Evaluation(measures, _onsets(record), mistakes, int((~right).sum()), classes, bins=bins)


def _evaluate_values(record: RunRecord) -> Evaluation:
    targets, predicted = record.test_targets.reshape(-1), record.test_scores[:, 0]
    errors = np.abs(predicted.astype(np.float64) - targets)
    mistakes = tuple(
        Mistake(row, f"{targets[row]:.4g}", f"{predicted[row]:.4g}", None, float(errors[row]))
        for row in _worst(errors, errors > 0)
    )
    measures = {record.metric: _headline(record), **regression_measures(targets, predicted)}
    return Evaluation(measures, _onsets(record), mistakes, int((errors > 0).sum()))


def _measures_of_classes(
    record: RunRecord, classes: tuple[ClassMeasures, ...], bins: tuple[Bin, ...], losses: np.ndarray
) -> dict[str, float]:
    return {
        record.metric: _headline(record),
        "macro_f1": macro_f1(classes),
        "log_loss": float(losses.mean()),
        "ece": expected_calibration_error(bins),
    }


def _headline(record: RunRecord) -> float:
    targets = record.test_targets if record.problem == MULTILABEL else _flat_targets(record)
    return float(record.problem.measure(targets, record.test_scores))


def _flat_targets(record: RunRecord) -> np.ndarray:
    return true_labels(record) if record.labels else record.test_targets.reshape(-1)


def _onsets(record: RunRecord) -> tuple[Onset, ...]:
    return onsets([fold.stages for fold in record.folds])


def _worst(losses: np.ndarray, wrong: np.ndarray) -> list[int]:
    rows = np.flatnonzero(wrong)
    worst: list[int] = rows[np.argsort(-losses[rows], kind="stable")][:MAX_MISTAKES].tolist()
    return worst


def _listed(labels: tuple[str, ...], chosen: np.ndarray) -> str:
    return ", ".join(label for label, on in zip(labels, chosen, strict=True) if on) or "none"
