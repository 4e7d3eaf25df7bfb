"""Which rows are for the test: random ones of each class, whole groups, or the last in time."""

from collections.abc import Sequence
from datetime import UTC
from typing import Any

import numpy as np

from serving.contract.encoders.timestamps import read_walls
from training.declarations.cells import column_values
from training.declarations.columns import Column
from training.declarations.declaration import SplitPart
from training.declarations.table import Dialect, Table
from training.declarations.words import quoted
from training.errors import BadRequest
from training.validation import HoldOut

Rows = np.ndarray


def split_randomly(targets: np.ndarray, split: SplitPart) -> tuple[Rows, Rows]:
    """Return the training and the test rows: of each class its share."""
    ((train, test),) = HoldOut(split.test).splits(targets, split.seed)
    return _both("the table", np.sort(train), np.sort(test), split)


def split_by_group(groups: np.ndarray, split: SplitPart) -> tuple[Rows, Rows]:
    """Return the training and the test rows: groups by lot, until there are enough."""
    different, sizes = np.unique(groups, return_counts=True)
    order = np.random.default_rng(split.seed).permutation(len(different))
    before = np.cumsum(sizes[order]) - sizes[order]
    tested = np.isin(groups, different[order[before < split.test * len(groups)]])
    return _both(f"column {quoted(split.column)}", np.flatnonzero(~tested), np.flatnonzero(tested), split)


def split_by_time(times: np.ndarray, split: SplitPart) -> tuple[Rows, Rows]:
    """Return the training and the test rows, each in order of time; rows of the same time are on the same side."""
    order = np.argsort(times, kind="stable")
    ordered = times[order]
    first = np.searchsorted(ordered, ordered[min(len(order) - 1, round(len(order) * (1 - split.test)))])
    return _both(f"column {quoted(split.column)}", order[:first], order[first:], split)


def _both(place: str, train: Rows, test: Rows, split: SplitPart) -> tuple[Rows, Rows]:
    if not len(train) or not len(test):
        raise BadRequest(
            f"{place}: {len(train) + len(test):,} rows can't be split by {split.by}, with a share of {split.test:g} "
            f"for the test: there would be {len(train):,} to train and {len(test):,} to test"
        )
    return train, test


def groups_of(values: Sequence[Any]) -> np.ndarray:
    """Return the number of each row's group: `int64[n]`."""
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(repr(value), len(numbers)) for value in values], np.int64)


def times_of(table: Table, column: Column, dialect: Dialect) -> np.ndarray:
    """Return each row's time, a number or a date. Raises BadRequest if the column has others, or gaps."""
    expected = f"{table.file}, column {quoted(column.name)}: expected dates or numbers to split by time, got "
    if column.gaps:
        raise BadRequest(f"{expected}{column.gaps:,} gaps")
    if column.type == "numbers":
        return np.array(column.values, np.float64)
    if column.type != "dates":
        raise BadRequest(f"{expected}{column.type}")
    return read_walls(column_values(table, column.name, "date", dialect, format=column.format), UTC)
