"""Problems whose targets are classes: one of two, one of many, or any number of tags."""

import sys
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from serving.contract.heads import Head, Labels, TagSet
from training.problem_types.problem import Problem


@dataclass(frozen=True)
class Classes(Problem):
    """One class of several: targets are their numbers, `int[n]`.

    A problem that *balances* counts each class as much as any other, however few rows it has: in its loss by *weights*,
    taken from its training targets, and in its metric, the mean of the classes' shares of right answers.
    """

    naive_name = "most frequent class"
    answered_by = Labels
    balances: bool = False
    weights: tuple[float, ...] = ()

    def measure(self, targets: np.ndarray, scores: np.ndarray) -> float:
        """Return the share of right answers; of each class by itself, averaged, if the problem balances."""
        costs = self.costs(targets, scores)
        return float(1 - np.mean(costs) if self.balances else np.mean(costs == 0))

    def costs(self, targets: np.ndarray, scores: np.ndarray) -> np.ndarray:
        """Return 1 for each wrong answer, else 0; if the problem balances, more for rare classes, 1 on average."""
        wrong = self.wrong(targets.reshape(-1), scores).astype(np.float64)
        return wrong * class_weights(targets)[targets.reshape(-1).astype(int)] if self.balances else wrong

    def wrong(self, targets: np.ndarray, scores: np.ndarray) -> np.ndarray:
        """Return which answers are wrong: `bool[n]`."""
        raise NotImplementedError

    def scaled(self, targets: np.ndarray) -> Self:
        """Take the weights of the classes from the training *targets*, if the problem balances."""
        return replace(self, weights=tuple(class_weights(targets).tolist())) if self.balances else self


@dataclass(frozen=True)
class _Binary(Classes):
    widths = range(1, 2)

    def naive_scores(self, targets: np.ndarray, rows: int, width: int) -> np.ndarray:
        """Return the score of the more frequent class: 0 or 1."""
        return np.full((rows, 1), targets.mean() >= 0.5, np.float32)

    def wrong(self, targets: np.ndarray, scores: np.ndarray) -> np.ndarray:
        """Return which scores are on the other side of 0.5 than their target."""
        return np.asarray((scores[:, 0] >= 0.5) != targets)

    def expected(self, width: int) -> str:
        """Return "0 or 1"."""
        return "0 or 1"

    def allowed(self, width: int, targets: np.ndarray) -> np.ndarray:
        """Return which targets are 0 or 1."""
        return np.isin(targets, (0, 1))


@dataclass(frozen=True)
class _Multiclass(Classes):
    widths = range(2, sys.maxsize)  # softmax of a single score is always 1

    def naive_scores(self, targets: np.ndarray, rows: int, width: int) -> np.ndarray:
        """Return 1 for the most frequent class, 0 for all others."""
        return np.tile(np.eye(width, dtype=np.float32)[np.bincount(targets).argmax()], (rows, 1))

    def wrong(self, targets: np.ndarray, scores: np.ndarray) -> np.ndarray:
        """Return which of the highest scores are not the target's."""
        return np.asarray(scores.argmax(axis=1) != targets)

    def expected(self, width: int) -> str:
        """Return the range of the classes' numbers."""
        return f"a class from 0 to {width - 1}"

    def allowed(self, width: int, targets: np.ndarray) -> np.ndarray:
        """Return which targets are numbers of classes."""
        return np.asarray((targets >= 0) & (targets < width) & (targets == np.floor(targets)))


@dataclass(frozen=True)
class Multilabel(Problem):
    """Any number of tags: targets are `[n, tags]` of 0 and 1.

    The metric is the F1 of each tag that occurs, averaged, at *thresholds* (0.5 before they are chosen).
    """

    naive_name = "every tag, always"
    answered_by = TagSet
    thresholds: tuple[float, ...] = ()

    def naive_scores(self, targets: np.ndarray, rows: int, width: int) -> np.ndarray:
        """Return 1 for each tag: of all constant answers, the one with the highest F1."""
        return np.ones((rows, width), np.float32)

    def measure(self, targets: np.ndarray, scores: np.ndarray) -> float:
        """Return the macro-F1: the mean over the tags that were true or answered at least once."""
        true, answered = targets.astype(bool), self.reached(scores)
        seen = (true | answered).any(axis=0)
        f1 = f1_scores((true & answered).sum(axis=0), answered.sum(axis=0), true.sum(axis=0))
        return float(f1[seen].mean()) if seen.any() else 1.0

    def costs(self, targets: np.ndarray, scores: np.ndarray) -> np.ndarray:
        """Return the share of tags that are answered wrongly, by row: F1 itself is no mean over rows."""
        return np.asarray((self.reached(scores) != targets.astype(bool)).mean(axis=1))

    def expected(self, width: int) -> str:
        """Return "0 or 1"."""
        return "0 or 1"

    def allowed(self, width: int, targets: np.ndarray) -> np.ndarray:
        """Return which targets are 0 or 1."""
        return np.isin(targets, (0, 1))

    def columns(self, width: int) -> int:
        """Return the number of tags."""
        return width

    def reached(self, scores: np.ndarray) -> np.ndarray:
        """Return which tags hold: `bool[n, tags]`."""
        return np.asarray(scores.astype(np.float64) >= np.array(self.thresholds or 0.5))

    def settled(self, targets: np.ndarray, scores: np.ndarray) -> Self:
        """Choose, for each tag, the threshold with the highest F1 on validation rows (Lipton et al. 2014).

        A tag without a validation row keeps 0.5. Source: "Optimal Thresholding of Classifiers to Maximize F1 Measure".
        """
        columns = zip(targets.T.astype(bool), scores.T.astype(np.float64), strict=True)
        return replace(self, thresholds=tuple(_best_threshold(true, scored) for true, scored in columns))

    def of_head(self, head: Head) -> Self:
        """Take the thresholds of *head*."""
        return replace(self, thresholds=head.thresholds) if isinstance(head, TagSet) else self

    def finished(self, head: Head, targets: np.ndarray, scores: np.ndarray) -> Head:
        """Give *head* the thresholds."""
        return replace(head, thresholds=self.thresholds) if isinstance(head, TagSet) and self.thresholds else head


BINARY = _Binary("binary", "sigmoid", "binary_crossentropy", "accuracy", True)
MULTICLASS = _Multiclass("multiclass", "softmax", "sparse_categorical_crossentropy", "accuracy", True)
BALANCED_BINARY = replace(BINARY, metric="balanced_accuracy", balances=True)
"""For classes of which one is rare: it counts as much as the other."""
BALANCED_MULTICLASS = replace(MULTICLASS, metric="balanced_accuracy", balances=True)
MULTILABEL = Multilabel("multilabel", "sigmoid", "binary_crossentropy", "macro_f1", True)


def class_weights(targets: np.ndarray) -> np.ndarray:
    """Return the weight of each class with which all that have a row count the same, 1 on average: `float64[classes]`.

    That is scikit-learn's `class_weight="balanced"`.
    """
    counts = np.bincount(targets.reshape(-1).astype(int))
    weights = len(targets) / np.maximum(counts * np.count_nonzero(counts), 1)
    return np.asarray(np.where(counts > 0, weights, 0.0))


def f1_scores(hits: np.ndarray, answered: np.ndarray, support: np.ndarray) -> np.ndarray:
    """Return the F1 of each class from three `int[classes]`: 0 where it neither occurs nor is answered."""
    return np.asarray(2 * hits / np.maximum(answered + support, 1))


def _best_threshold(true: np.ndarray, scored: np.ndarray) -> float:
    """Return the middle between the lowest score that should count and the next lower one."""
    if not true.any():
        return 0.5
    order = np.argsort(-scored, kind="stable")
    ranked, hits = scored[order], np.cumsum(true[order])
    f1 = f1_scores(hits, np.arange(1, len(true) + 1), true.sum())
    f1[np.append(ranked[1:] == ranked[:-1], False)] = -1  # equal scores are on the same side of any threshold
    last = int(f1.argmax())
    below = ranked[last + 1] if last + 1 < len(ranked) else 0.0
    return float((ranked[last] + below) / 2)
