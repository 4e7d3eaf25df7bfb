"""The rows of a long table in the order of each of its series, and what is odd about that order."""

from dataclasses import dataclass

import numpy as np

from training.declarations.columns import column_of
from training.declarations.declaration import DataPart
from training.declarations.places import Source
from training.declarations.splitting import groups_of, times_of
from training.declarations.table import Table
from training.declarations.words import quoted

_REGULAR = 1.15
"""Steps that differ by less are regular: months and years have not the same number of days."""
_DAY = np.timedelta64(1, "D")


@dataclass(frozen=True, eq=False)
class Sequences:
    """The *rows* of a table, series by series in order, with the *series* and the *times* of each.

    Without a column for the order, a row's time is its place in its series, as a share. *remarks* tell what was odd.
    """

    rows: np.ndarray
    series: np.ndarray
    times: np.ndarray
    remarks: tuple[str, ...]

    @property
    def count(self) -> int:
        """The number of series."""
        return int(self.series.max(initial=-1)) + 1

    @property
    def longest(self) -> int:
        """The number of rows of the longest series."""
        return int(np.bincount(self.series).max(initial=0))

    def shorter_than(self, rows: int) -> int:
        """Return how many series have fewer rows."""
        return int((np.bincount(self.series) < rows).sum())


def sequences_of(source: Source, data: DataPart, table: Table) -> Sequences:
    """Return the rows in order. Raises BadRequest, with the place in the file, for an order with gaps."""
    for option in ("order", "group"):
        name = getattr(data, option)
        if name and name not in table.columns:
            source.refuse(["data", option], f"{table.file} has no column {quoted(name)}")
    series = groups_of(table.columns[data.group]) if data.group else np.zeros(table.rows, np.int64)
    if not data.order:
        rows = np.argsort(series, kind="stable")
        return Sequences(rows, series[rows], _shares(series[rows]), ())
    column = column_of(table, data.order, data.dialect)
    times = times_of(table, column, data.dialect)
    rows = np.lexsort((times, series))
    disorder = _remark_on_order(data, rows, series[rows])
    repeats = _same(series[rows]) & (times[rows][1:] == times[rows][:-1])
    rows = rows[np.append(~repeats, True)]  # of those with the same time the last: the sort is stable
    remarks = (*disorder, *_remark_on_repeats(data, int(repeats.sum())), *_remark_on_steps(times[rows], series[rows]))
    return Sequences(rows, series[rows], times[rows], remarks)


def _same(series: np.ndarray) -> np.ndarray:
    """Return for each row but the first whether it is of the same series as the one before."""
    return np.asarray(series[1:] == series[:-1])


def _shares(series: np.ndarray) -> np.ndarray:
    lengths = np.bincount(series)
    firsts = np.cumsum(lengths) - lengths
    return np.asarray((np.arange(len(series)) - firsts[series]) / lengths[series])


def _remark_on_order(data: DataPart, rows: np.ndarray, series: np.ndarray) -> tuple[str, ...]:
    count = int((_same(series) & (np.diff(rows) < 0)).sum())
    return (f"rows out of order: {count:,}; sorted by {quoted(data.order)}",) if count else ()


def _remark_on_repeats(data: DataPart, count: int) -> tuple[str, ...]:
    if not count:
        return ()
    what = "" if data.group else "; if they are of several series, name the column that parts these: [data] group"
    return (f"rows that repeat a time of {quoted(data.order)}: {count:,}; only the last of each counts{what}",)


def _remark_on_steps(times: np.ndarray, series: np.ndarray) -> tuple[str, ...]:
    steps = np.diff(times)[_same(series)]
    if not len(steps) or steps.max() <= steps.min() * _REGULAR:
        return ()
    values, counts = np.unique(steps, return_counts=True)
    usual = values[counts.argmax()]
    others = int(len(steps) - counts.max())
    return (
        f"steps are not even: {others:,} of {len(steps):,} are not {_shown(usual)}, but {_shown(values[0])} to "
        f"{_shown(values[-1])}; a window is of rows, whatever the time between them",
    )


def _shown(step: np.generic) -> str:
    if isinstance(step, np.timedelta64):
        days = float(step / _DAY)
        return f"{days:.6g} days" if days >= 1 else f"{days * 86_400:.6g} s"
    return f"{float(step):.6g}"
