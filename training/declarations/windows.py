"""A long table as windows of its series: so many rows in order, and the value to answer some rows later."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from training.data.datasets import Dataset, Part
from training.data.records import is_gap
from training.declarations.asking import Asked
from training.declarations.cells import column_values
from training.declarations.columns import column_of
from training.declarations.declaration import DataPart, Declaration, FieldPart
from training.declarations.places import Source
from training.declarations.sequences import Sequences, sequences_of
from training.declarations.splitting import split_by_time
from training.declarations.table import Table
from training.declarations.words import listed

ARRAY = "array"
"""The kind of a field that is a window; any other has the value of the window's last row."""
MOST_NUMBERS = 50_000_000
"""So many values are in all windows together, at most: they are in memory while a model is trained on them."""
LAST_VALUE = "last value"


@dataclass(frozen=True, eq=False)
class Windows:
    """Rows of the table: those of each window, `int64[n, window]`, and the one that has what it is to answer, `[n]`.

    *known* is the place among the answers, `[n]`, of the last value that was known by then, -1 if there was none.
    """

    rows: np.ndarray
    answers: np.ndarray
    times: np.ndarray
    known: np.ndarray

    def at(self, index: np.ndarray) -> "Windows":
        """Return the windows with the indices *index*."""
        return Windows(self.rows[index], self.answers[index], self.times[index], self.known[index])


def window_data(
    source: Source, declaration: Declaration, fields: Mapping[str, FieldPart], table: Table, question: Asked
) -> tuple[Dataset, Asked]:
    """Return the windows of *table* with what is asked about them. Raises BadRequest, with the place in the file."""
    data = declaration.data
    values = {name: _values(source, data, table, name, part) for name, part in fields.items()}
    arrays = [values[name] for name, part in fields.items() if part.kind == ARRAY]
    if not arrays:
        source.refuse(["fields"], f'expected a field of kind = "{ARRAY}": a column, of which windows are made')
    sequences = sequences_of(source, data, table)
    found = _windows(data, table, question, sequences)
    measured = np.array([not all(map(is_gap, row)) for row in zip(*arrays, strict=True)])
    empty = ~measured[found.rows].any(axis=1)
    windows = found.at(np.flatnonzero(~empty))
    _check(source, data, table, sequences, windows, len(arrays))
    split = replace(declaration.split, by="time", column=data.order or "of the row")
    train, test = (windows.at(index) for index in split_by_time(windows.times, split))
    places = _places(table, question)
    parts = (_part(values, fields, question, places, train), _part(values, fields, question, places, test))
    notes = tuple(_notes(data, table, sequences, parts, int(empty.sum()), _unanswered(data, sequences, found)))
    naive = _last_values(question, parts, test)
    return Dataset(table.file, parts[0], parts[1], question.labels, notes=notes), replace(
        question, naive={LAST_VALUE: naive}
    )


def _part(
    values: Mapping[str, Sequence[Any]],
    fields: Mapping[str, FieldPart],
    question: Asked,
    places: np.ndarray,
    windows: Windows,
) -> Part:
    return Part(list(_instances(values, fields, windows)), question.targets[places[windows.answers]])


def _values(source: Source, data: DataPart, table: Table, name: str, part: FieldPart) -> list[Any]:
    if part.kind != ARRAY:
        reading = {option: part.options[option] for option in ("format", "delimiter") if option in part.options}
        return column_values(table, name, part.kind, data.dialect, **reading)
    column = column_of(table, name, data.dialect)
    if column.type not in ("numbers", "nothing"):
        source.refuse(["fields", name, "kind"], f"a window needs a column of numbers, got {column.type}")
    return list(column.values)


def _windows(data: DataPart, table: Table, question: Asked, sequences: Sequences) -> Windows:
    """Return the windows whose answer is there, in the order of the table's sequences."""
    rows, series = sequences.rows, sequences.series
    places = _places(table, question)
    first = np.arange(max(0, len(rows) - data.window - data.horizon + 1))
    last = first + data.window - 1
    answer = last + data.horizon
    is_target = places[rows] >= 0
    recent = np.maximum.accumulate(np.where(is_target, np.arange(len(rows)), -1))
    there = (series[first] == series[answer]) & is_target[answer]
    first, last, answer = first[there], last[there], answer[there]
    recent = recent[last]
    same = (recent >= 0) & (series[np.maximum(recent, 0)] == series[last])
    return Windows(
        rows[first[:, None] + np.arange(data.window)] if len(first) else np.zeros((0, data.window), np.int64),
        rows[answer],
        sequences.times[answer],
        np.where(same, places[rows[recent]], -1),
    )


def _places(table: Table, question: Asked) -> np.ndarray:
    """Return the place of each row of the table among those with a target, -1 for the others."""
    places = np.full(table.rows, -1)
    places[question.rows] = np.arange(len(question.rows))
    return places


def _check(source: Source, data: DataPart, table: Table, sequences: Sequences, windows: Windows, arrays: int) -> None:
    if not len(windows.rows):
        source.refuse(
            ["data", "window"],
            f"{table.file}: no series has {data.window + data.horizon:,} rows or more, with the value to answer: the "
            f"longest of {sequences.count:,} has {sequences.longest:,} rows",
        )
    if windows.rows.size * arrays > MOST_NUMBERS:
        source.refuse(
            ["data", "window"],
            f"expected at most {MOST_NUMBERS:,} values in all windows, got {len(windows.rows):,} windows of "
            f"{data.window:,} rows and {arrays} columns: take a shorter window, or fewer rows",
        )


def _instances(
    values: Mapping[str, Sequence[Any]], fields: Mapping[str, FieldPart], windows: Windows
) -> Iterator[dict[str, Any]]:
    for rows in windows.rows.tolist():
        yield {
            name: [values[name][row] for row in rows] if part.kind == ARRAY else values[name][rows[-1]]
            for name, part in fields.items()
        }


def _last_values(question: Asked, parts: Sequence[Part], test: Windows) -> np.ndarray:
    """Return scores that answer what was known last, and as the naive baseline does where nothing was: `[n, width]`."""
    width = question.head.output.shape[1] or 1
    scores = question.problem.naive_scores(parts[0].targets_of(""), len(test.known), width).astype(np.float32)
    there = test.known >= 0
    last = question.targets[test.known[there]]
    if question.labels and last.ndim == 1 and width > 1:
        scores[there] = np.eye(width, dtype=np.float32)[last]
    else:
        scores[there] = last.reshape(len(last), -1)
    return scores


def _unanswered(data: DataPart, sequences: Sequences, found: Windows) -> int:
    """Return the number of windows that lack the value to answer."""
    lengths = np.bincount(sequences.series)
    return int(np.maximum(0, lengths - data.window - data.horizon + 1).sum()) - len(found.rows)


def _notes(
    data: DataPart, table: Table, sequences: Sequences, parts: Sequence[Part], empty: int, unanswered: int
) -> Iterator[str]:
    """Yield what the data are: rows, series, windows, and what was odd about them."""
    train, test = parts
    of = f" in {sequences.count:,} series" if data.group else ""
    yield (
        f"{table.file}: {table.rows:,} rows{of}: windows of {data.window:,} rows, to answer the value {data.horizon:,} "
        f"after the last: {len(train):,} to train, {len(test):,} to test, whose answers are later"
    )
    if unanswered or empty:
        yield f"left out: {unanswered:,} windows without the value to answer, {empty:,} without any value"
    yield from sequences.remarks
    short = sequences.shorter_than(data.window + data.horizon)
    if short:
        yield f"{short:,} of {sequences.count:,} series are shorter than {data.window + data.horizon:,} rows: left out"
    gaps = {
        name: sum(is_gap(row[name]) for part in parts for row in part.instances)
        for name in (parts[0].instances or parts[1].instances)[0]
    }
    named = listed(f"{name} {count:,}" for name, count in gaps.items() if count)
    yield f"windows with gaps: {named}"
    yield f"the naive baseline is the {LAST_VALUE} that was known"
