"""Columns that tell the target: a model of them is useless, because they are not known when it is asked."""

import itertools
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np

from training.declarations.columns import Column

NEARLY = 0.99
"""The share of rows from which on a column and the target tell each other."""
_LEAST_ROWS = 10
_NEARLY_LINEAR = 0.9999


def leak(column: Column, target: Column, is_regression: bool) -> str:
    """Return how *column* tells *target*: one-to-one, or nearly; "" if it does not."""
    pairs = [pair for pair in _pairs(column, target) if not isinstance(pair[0], list)]
    if len(pairs) < _LEAST_ROWS:
        return ""
    if is_regression:
        return _of_numbers(column, pairs)
    most = len(target.counts) + (1 - NEARLY) * len(pairs) + 1  # more values can't be nearly one-to-one with classes
    return _of_classes(pairs) if len(column.counts) <= most else ""


def suspicion(column: Column, target: Column) -> str:
    """Return that a column alone tells the class of every row, though several of its values mean the same class."""
    pairs = _pairs(column, target)
    if len(pairs) < _LEAST_ROWS or not all(isinstance(it, str | int | float) for it, _ in pairs):
        return ""
    if len(column.counts) > len(pairs) / 2 and column.type != "numbers":
        return ""
    ordered = sorted(pairs, key=lambda pair: pair[0]) if column.type == "numbers" else pairs
    runs = 1 + sum(one[1] != other[1] for one, other in itertools.pairwise(ordered))
    alone = runs == len(target.counts) if column.type == "numbers" else _purity(pairs) == 1
    return "alone it tells the class of every row: is it known when the model is asked?" if alone else ""


def _pairs(column: Column, target: Column) -> list[tuple[Any, Any]]:
    """Return the values of the rows that have both; lists of tags by their text, as they are counted."""
    return [
        (value, repr(wanted) if isinstance(wanted, list) else wanted)
        for value, wanted in zip(column.values, target.values, strict=True)
        if value is not None and wanted is not None
    ]


def _of_classes(pairs: Sequence[tuple[Any, Any]]) -> str:
    there, back = _purity(pairs), _purity([(wanted, value) for value, wanted in pairs])
    if min(there, back) < NEARLY:
        return ""
    how = "one-to-one" if there == back == 1 else f"nearly one-to-one ({min(there, back):.1%} of the rows)"
    return f"leaks the target: {how} with it"


def _purity(pairs: Sequence[tuple[Any, Any]]) -> float:
    """Return the share of rows whose target is the most frequent one of their value."""
    by_value: dict[Any, Counter[Any]] = defaultdict(Counter)
    for value, wanted in pairs:
        by_value[value][wanted] += 1
    return sum(max(counts.values()) for counts in by_value.values()) / len(pairs)


def _of_numbers(column: Column, pairs: Sequence[tuple[Any, Any]]) -> str:
    if column.type != "numbers":
        return ""
    both = np.array(pairs, np.float64).T
    if (both.min(axis=1) == both.max(axis=1)).any() or len(set(pairs)) < _LEAST_ROWS:
        return ""
    close = max(_correlation(both), _correlation(np.array([_ranks(row) for row in both])))
    if close < _NEARLY_LINEAR:
        return ""
    return f"leaks the target: {'one-to-one' if close > 1 - 1e-9 else 'nearly one-to-one'} with it"


def _correlation(both: np.ndarray) -> float:
    """Return the size of the correlation of two rows, of which neither is constant."""
    one, other = both - both.mean(axis=1, keepdims=True)
    return float(abs(one @ other) / np.sqrt((one @ one) * (other @ other)))


def _ranks(values: np.ndarray) -> np.ndarray:
    """Return the rank of each value; equal ones have the same."""
    return np.unique(values, return_inverse=True)[1].astype(np.float64)
