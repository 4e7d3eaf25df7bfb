"""Computes, from a run's record, what the report says about its answers to the test rows."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from serving.contract.heads import Values
from training.experiments.record import RunRecord
from training.problem_types import Multilabel, Quantiles
from training.problem_types.classes import f1_scores
from training.problem_types.values import coverage
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
    roc_auc,
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

    *probability* is that of the second class, by test row; only a binary problem has it. *values* has the measures of
    each of several numbers, by name.
    """

    measures: Mapping[str, float]
    onsets: tuple[Onset, ...]
    mistakes: tuple[Mistake, ...]
    wrong: int
    classes: tuple[ClassMeasures, ...] = ()
    confusion: np.ndarray | None = None
    bins: tuple[Bin, ...] = ()
    probability: np.ndarray | None = None
    values: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


def evaluate(record: RunRecord) -> Evaluation:
    """Return the measures for the run's type of problem; the run's own metric comes first."""
    if isinstance(record.problem, Multilabel):
        return _evaluate_tags(record, record.problem)
    if record.labels:
        return _evaluate_labels(record)
    if isinstance(record.problem, Quantiles):
        return _evaluate_intervals(record)
    return _evaluate_several(record, record.head) if isinstance(record.head, Values) else _evaluate_value(record)


def predicted_values(record: RunRecord) -> np.ndarray:
    """Return the number that is answered for each test row, `float[n]`: of an interval, the middle one."""
    scores = np.sort(record.test_scores, axis=1).astype(np.float64)
    return np.asarray(scores[:, scores.shape[1] // 2])


def _evaluate_labels(record: RunRecord) -> Evaluation:
    scores, targets = record.test_scores.astype(np.float64), record.test_targets.astype(np.int64)
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
    measures = _measures_of_classes(record, classes, bins, losses)
    return Evaluation(
        measures=measures | ({"auc": roc_auc(targets, scores[:, 0])} if binary else {}),
        onsets=_onsets(record),
        mistakes=mistakes,
        wrong=int((~right).sum()),
        classes=classes,
        confusion=matrix,
        bins=bins,
        probability=scores[:, 0] if binary else None,
    )


def _evaluate_tags(record: RunRecord, problem: Multilabel) -> Evaluation:
    scores, targets = record.test_scores.astype(np.float64), record.test_targets.astype(bool)
    predicted = problem.reached(scores)
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
    measures = _measures_of_classes(record, classes, bins, losses) | {
        "micro_f1": float(f1_scores(hits.sum(), taken.sum(), support.sum())),
        "exact_match": float(right.mean()),
    }
    return Evaluation(measures, _onsets(record), mistakes, int((~right).sum()), classes, bins=bins)


def _evaluate_value(record: RunRecord) -> Evaluation:
    targets, predicted = record.test_targets.reshape(-1), predicted_values(record)
    measures = {record.metric: _headline(record), **regression_measures(targets, predicted)}
    return Evaluation(measures, _onsets(record), *_off(targets, predicted))


def _evaluate_intervals(record: RunRecord) -> Evaluation:
    targets, predicted = record.test_targets.reshape(-1), predicted_values(record)
    measures = {
        record.metric: _headline(record),
        "coverage": coverage(targets, record.test_scores),
        "width": float(np.ptp(record.test_scores.astype(np.float64), axis=1).mean()),
        **regression_measures(targets, predicted),
    }
    return Evaluation(measures, _onsets(record), *_off(targets, predicted))


def _evaluate_several(record: RunRecord, head: Values) -> Evaluation:
    columns = zip(head.names, record.test_targets.T, record.test_scores.T, strict=True)
    values = {name: regression_measures(targets, predicted) for name, targets, predicted in columns}
    costs = record.problem.costs(record.test_targets, record.test_scores)
    mistakes = tuple(
        Mistake(
            row, _numbers(head, record.test_targets[row]), _numbers(head, record.test_scores[row]), None, costs[row]
        )
        for row in _worst(costs, costs > 0)
    )
    measures = {record.metric: _headline(record)}
    return Evaluation(measures, _onsets(record), mistakes, int((costs > 0).sum()), values=values)


def _off(targets: np.ndarray, predicted: np.ndarray) -> tuple[tuple[Mistake, ...], int]:
    """Return the largest errors, and how many rows have any."""
    errors = np.abs(predicted.astype(np.float64) - targets)
    mistakes = tuple(
        Mistake(row, f"{targets[row]:.4g}", f"{predicted[row]:.4g}", None, float(errors[row]))
        for row in _worst(errors, errors > 0)
    )
    return mistakes, int((errors > 0).sum())


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
    return float(record.problem.measure(record.test_targets, record.test_scores))


def _onsets(record: RunRecord) -> tuple[Onset, ...]:
    return onsets([fold.stages for fold in record.folds])


def _worst(losses: np.ndarray, wrong: np.ndarray) -> list[int]:
    rows = np.flatnonzero(wrong)
    worst: list[int] = rows[np.argsort(-losses[rows], kind="stable")][:MAX_MISTAKES].tolist()
    return worst


def _listed(labels: tuple[str, ...], chosen: np.ndarray) -> str:
    return ", ".join(label for label, on in zip(labels, chosen, strict=True) if on) or "none"


def _numbers(head: Values, row: np.ndarray) -> str:
    return ", ".join(f"{name} {number:.4g}" for name, number in zip(head.names, row.tolist(), strict=True))
