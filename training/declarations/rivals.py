"""What scikit-learn makes of the same rows, to be shown beside the model: only where it is installed."""

import warnings
from collections.abc import Callable, Mapping

import numpy as np

from training.data.datasets import Dataset
from training.declarations.declaration import FieldPart
from training.declarations.fields import IMAGE
from training.declarations.rival_columns import Columns
from training.problem_types import Classes, Problem

MOST_ROWS = 50_000
MOST_NUMBERS = 20_000_000
"""Rivals learn from so many training rows or numbers, drawn by lot; and see so many test rows at a time."""
_FIRST = 100
"""The rows that tell how wide the others are."""
_LINEAR = {
    "binary": "logistic regression",
    "multiclass": "logistic regression",
    "multilabel": "logistic regression",
    "regression": "ridge regression",
    "several_values": "ridge regression",
}
"""What the linear model of each type of problem is called."""


def rivals_of(problem: Problem, fields: Mapping[str, FieldPart]) -> Callable[[Dataset], Mapping[str, np.ndarray]]:
    """Return what gives the scores of rivals on the test rows, by name; none for photos and other questions.

    Gradient boosting sees numbers, categories, dates, tags and arrays; a linear model sees these and tf-idf of texts.
    """

    def scores(data: Dataset) -> Mapping[str, np.ndarray]:
        try:
            import sklearn  # noqa: F401 - asked for first, as most installations don't have it
        except ImportError:
            return {}
        if problem.name not in _LINEAR or any(field.kind == IMAGE for field in fields.values()):
            return {}
        with warnings.catch_warnings():  # of what does not converge, or of tags without a row: a rival is as it is
            warnings.simplefilter("ignore")
            return _scores(data, problem, fields)

    return scores


def _scores(data: Dataset, problem: Problem, fields: Mapping[str, FieldPart]) -> Mapping[str, np.ndarray]:
    from training.declarations.rival_models import fit_boosting, fit_linear

    rows, tested, found = _some(data, fields), data.test.instances, {}
    train, few = data.train.rows(rows), "" if len(rows) == len(data.train) else f", {len(rows):,} rows"
    for name, fit in {"gradient boosting": fit_boosting, _LINEAR[problem.name]: fit_linear}.items():
        try:
            rival = fit(Columns.fit(data, train.instances, fields), train, problem)
        except ValueError:  # one that can't learn from these rows is not shown, and never ends the job
            continue
        if rival:
            starts = range(0, len(tested), len(rows))
            scores = np.concatenate([rival.scores(tested[start : start + len(rows)]) for start in starts])
            found[f"{name} (scikit-learn{few})"] = _as_read(scores, rival.classes, data, problem)
    return found


def _some(data: Dataset, fields: Mapping[str, FieldPart]) -> np.ndarray:
    """Return so many training rows, drawn by lot, as fit into the memory that rivals may take."""
    first = data.train.rows(np.arange(min(len(data.train), _FIRST))).instances
    width = Columns.fit(data, first, fields).table(first).shape[1]
    most = min(MOST_ROWS, max(_FIRST, MOST_NUMBERS // max(width, 1)))
    rows = np.arange(len(data.train))
    return rows if len(rows) <= most else np.sort(np.random.default_rng(0).choice(rows, most, replace=False))


def _as_read(scores: np.ndarray, classes: np.ndarray, data: Dataset, problem: Problem) -> np.ndarray:
    """Return the scores as a head reads them: one of two classes, else of each, 0 for those without a training row."""
    if not isinstance(problem, Classes):
        return scores.reshape(len(scores), -1)
    shares = np.zeros((len(scores), len(data.labels)), np.float32)
    shares[:, classes] = scores
    return shares[:, 1:] if problem.name == "binary" else shares
