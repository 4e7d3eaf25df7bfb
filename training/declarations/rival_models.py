"""Two models of scikit-learn with their usual settings: gradient boosting, and a linear one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix, hstack
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from training.data.datasets import Instance, Part
from training.declarations.rival_columns import Columns
from training.problem_types import Classes, Problem

_MOST_COLUMNS = 5_000
_MOST_OUTPUTS = 50
"""Gradient boosting grows trees for each class, tag or number: of more it would take longer than the network."""


@dataclass(frozen=True)
class Rival:
    """A fitted *model*, and what makes its input of instances."""

    model: Any
    inputs: Callable[[Sequence[Instance]], Any]

    @property
    def classes(self) -> np.ndarray:
        """The numbers of the classes that it has seen; of numbers none."""
        return np.asarray(getattr(self.model, "classes_", ()))

    def scores(self, instances: Sequence[Instance]) -> np.ndarray:
        """Return a score for each class or tag, or the numbers: `float[n, scores]`, or `float[n]`."""
        predict = getattr(self.model, "predict_proba", self.model.predict)
        return np.asarray(predict(self.inputs(instances)))


def fit_boosting(columns: Columns, train: Part, problem: Problem) -> Rival | None:
    """Return fitted gradient boosting, or None where it does not apply: it reads no texts."""
    table, targets = columns.table(train.instances), train.targets_of("")
    outputs = targets.shape[1] if targets.ndim > 1 else len(np.unique(targets)) if isinstance(problem, Classes) else 1
    if columns.texts or not 0 < table.shape[1] <= _MOST_COLUMNS or outputs > _MOST_OUTPUTS:
        return None
    if isinstance(problem, Classes) and outputs < 2:  # one class in all training rows: nothing to tell apart
        return None
    options = {"categorical_features": list(columns.categorical(table)), "random_state": 0}
    classifier = HistGradientBoostingClassifier(**options, class_weight=_class_weight(problem))
    regressor = HistGradientBoostingRegressor(**options)
    several = {"multilabel": OneVsRestClassifier(classifier), "several_values": MultiOutputRegressor(regressor)}
    model = several.get(problem.name, classifier if isinstance(problem, Classes) else regressor)
    return Rival(model.fit(table, targets), columns.table)


def fit_linear(columns: Columns, train: Part, problem: Problem) -> Rival | None:
    """Return a fitted logistic or ridge regression of all columns, or None if there are too many."""
    table = columns.table(train.instances)
    if table.shape[1] > _MOST_COLUMNS:
        return None
    scalers = [_scaler(columns, table)] if table.shape[1] else []
    of_texts = zip(columns.texts.values(), columns.written(train.instances), strict=True)
    words = [_tfidf(wordless).fit(texts) for wordless, texts in of_texts]

    def inputs(instances: Sequence[Instance]) -> Any:
        texts = zip(words, columns.written(instances), strict=True)
        blocks = [csr_matrix(scaler.transform(columns.table(instances))) for scaler in scalers]
        return hstack([*blocks, *(tfidf.transform(of) for tfidf, of in texts)], format="csr")

    logistic = LogisticRegression(max_iter=1000, class_weight=_class_weight(problem))
    several = {"regression": Ridge(), "several_values": Ridge(), "multilabel": OneVsRestClassifier(logistic)}
    return Rival(several.get(problem.name, logistic).fit(inputs(train.instances), train.targets_of("")), inputs)


def _tfidf(wordless: bool) -> Any:
    pieces = {"analyzer": "char_wb", "ngram_range": (1, 4)} if wordless else {}
    return TfidfVectorizer(**pieces, max_features=200_000)


def _scaler(columns: Columns, table: np.ndarray) -> Any:
    categories = columns.categorical(table)
    parts = {
        make_pipeline(SimpleImputer(keep_empty_features=True), StandardScaler()): range(categories.start),
        OneHotEncoder(handle_unknown="ignore"): categories,
    }
    return make_column_transformer(*((part, list(of)) for part, of in parts.items() if of)).fit(table)


def _class_weight(problem: Problem) -> str | None:
    return "balanced" if isinstance(problem, Classes) and problem.balances else None
