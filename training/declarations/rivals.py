"""What scikit-learn makes of the same rows, to be shown beside the model: only where it is installed."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from training.data.datasets import Dataset, Instance
from training.declarations.declaration import FieldPart
from training.problem_types import Problem

_NUMBERS, _CATEGORIES = ("number",), ("category",)
_MOST_CATEGORIES = 255
"""More than these, HistGradientBoosting does not take as categories."""


def rivals_of(problem: Problem, fields: Mapping[str, FieldPart]) -> Callable[[Dataset], Mapping[str, np.ndarray]]:
    """Return what gives the scores of rivals on the test rows, by name; none for questions and fields they don't have.

    They are fitted on all training rows: gradient boosting on numbers and categories, logistic regression on a text.
    """

    def scores(data: Dataset) -> Mapping[str, np.ndarray]:
        try:
            import sklearn  # noqa: F401 - asked for first, as most installations don't have it
        except ImportError:
            return {}
        try:
            return _fitted(data, problem, fields)
        except ValueError:  # one that can't learn from these rows is not shown, and never ends the job
            return {}

    return scores


def _fitted(data: Dataset, problem: Problem, fields: Mapping[str, FieldPart]) -> Mapping[str, np.ndarray]:
    columns = [name for name, field in fields.items() if field.kind in (*_NUMBERS, *_CATEGORIES)]
    texts = [name for name, field in fields.items() if field.kind == "text"]
    if problem.name not in ("binary", "multiclass", "regression"):
        return {}
    if len(texts) == 1 and not columns and problem.name != "regression":
        return {"logistic regression (scikit-learn)": _of_text(data, texts[0])}
    if columns and not texts:
        return {"gradient boosting (scikit-learn)": _of_table(data, problem, fields, columns)}
    return {}


def _of_text(data: Dataset, name: str) -> np.ndarray:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    train, test = ([row.get(name) or "" for row in part.instances] for part in (data.train, data.test))
    words = TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 4), min_df=2, max_features=200_000)
    model = make_pipeline(words, LogisticRegression(max_iter=1000)).fit(train, data.train.targets)
    return _scores(model, test, len(data.labels))


def _of_table(data: Dataset, problem: Problem, fields: Mapping[str, FieldPart], columns: Sequence[str]) -> np.ndarray:
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    numbered = {name: _numbered(data, name) for name in columns if fields[name].kind in _CATEGORIES}
    train, test = (
        np.array([[_cell(row, name, numbered) for name in columns] for row in part.instances], np.float64)
        for part in (data.train, data.test)
    )
    options = {"categorical_features": [name in numbered for name in columns], "random_state": 0}
    if problem.name == "regression":
        model = HistGradientBoostingRegressor(**options).fit(train, data.train.targets)
        return np.asarray(model.predict(test)[:, None])
    weights = "balanced" if problem.metric == "balanced_accuracy" else None
    model = HistGradientBoostingClassifier(**options, class_weight=weights).fit(train, data.train.targets)
    return _scores(model, test, len(data.labels))


def _scores(model: Any, rows: Any, classes: int) -> np.ndarray:
    """Return the scores as a head reads them: one of two classes, else of each, 0 for those without a training row."""
    shares = np.zeros((len(rows), classes), np.float32)
    shares[:, model.classes_] = model.predict_proba(rows)
    return shares[:, 1:] if classes == 2 else shares


def _numbered(data: Dataset, name: str) -> Mapping[Any, int]:
    """Return a number for each category, those beyond the most that are taken left out: they count as missing."""
    counts: dict[Any, int] = {}
    for row in data.train.instances:
        if row.get(name) is not None:
            counts[row[name]] = counts.get(row[name], 0) + 1
    ranked = sorted(counts, key=lambda value: -counts[value])
    return {value: number for number, value in enumerate(ranked[:_MOST_CATEGORIES])}


def _cell(row: Instance, name: str, numbered: Mapping[str, Mapping[Any, int]]) -> float:
    value = row.get(name)
    if name in numbered:
        return numbered[name].get(value, np.nan)
    return np.nan if value is None else float(value)
