"""The rows of a file as scoring reads them, decoded, with the answers that a scored file has."""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from serving.batch.errors import BatchError
from serving.batch.formats import open_source
from serving.batch.inputs.finding import find_inputs
from serving.batch.inputs.source import Source
from serving.batch.readers.records import Opened
from serving.batch.rows import Columns, Rows, find_columns
from serving.contract import Contract, Labels, Measures
from serving.errors import InvalidFields

_CHUNK = 1000
_SHOWN = 200


class UnreadableFile(ValueError):
    """The file can't be read; the message names the place."""


@dataclass(frozen=True)
class Row:
    """A row: the decoded instance or its *problem*, and the answer, if there is one."""

    number: int
    decoded: Any
    problem: str
    answer: Mapping[str, Any]


def read_rows(path: Path, contract: Contract, columns: Mapping[str, str], allow_missing: bool) -> Iterator[Row]:
    """Read *path*, any file of rows that can be scored; *columns* maps fields to columns with other names.

    Of the other columns only the answers of a scored file are read: `label` and `score`, or `value`. With
    *allow_missing* a file may lack the columns of optional fields. Raises UnreadableFile.
    """
    try:
        wanted = find_columns(contract, columns, None, (), allow_missing)
        for source in find_inputs((str(path),), None, sys.stdin.buffer).sources:
            yield from _rows(source, wanted, contract)
    except (BatchError, OSError) as error:
        raise UnreadableFile(str(error)) from error


def answered(contract: Contract, record: Mapping[str, Any]) -> bool:
    """Return whether a row has the model's answer."""
    return all(record.get(name) not in (None, "") for name in _answer_columns(contract))


def measure_answers(path: Path, contract: Contract, rows: list[Row]) -> Measures:
    """Measure the answers of a scored file; raises UnreadableFile if a row has none."""
    values, labels = np.zeros((len(rows), 1)), []
    for index, row in enumerate(rows):
        if not answered(contract, row.answer):
            raise UnreadableFile(f"{path}: row {row.number}: has no answer, though others have; score the whole file")
        number = row.answer[_answer_columns(contract)[-1]]
        try:
            values[index] = float(number)
        except (TypeError, ValueError):
            got = repr(str(number)[:40])
            raise UnreadableFile(f"{path}: row {row.number}: expected a number as the answer, got {got}") from None
        labels.append(row.answer.get("label"))
    if not isinstance(contract.output, Labels):
        return Measures(values, {})
    return Measures(values, {"label": np.array([labels.count(name) for name in contract.output.names], np.float64)})


def _answer_columns(contract: Contract) -> tuple[str, ...]:
    return ("label", "score") if isinstance(contract.output, Labels) else ("value",)


def _rows(source: Source, columns: Columns, contract: Contract) -> Iterator[Row]:
    opened, answer = _opened(source, columns, _answer_columns(contract))
    first = source.before + 1
    try:
        while len(records := opened.records.take(_CHUNK)):
            yield from _decoded(opened.reader.read(records, first), answer, contract)
            first += len(records)
    finally:
        opened.records.close()


def _opened(source: Source, columns: Columns, answer: tuple[str, ...]) -> tuple[Opened, tuple[str, ...]]:
    """Open *source*, with the columns of the answer if it has them."""
    opened = open_source(source, columns)
    if not set(answer) <= {*opened.unused, *columns.names}:
        return opened, ()
    opened.records.close()
    return open_source(source, replace(columns, keep=answer)), answer


def _decoded(rows: Rows, answer: tuple[str, ...], contract: Contract) -> Iterator[Row]:
    found = [Row(number, None, reason[:_SHOWN], {}) for number, reason in rows.rejects]
    for number, instance, kept in zip(rows.numbers, rows.instances, rows.kept, strict=True):
        record = dict(zip(answer, kept, strict=True))
        try:
            found.append(Row(number, contract.preprocessor.decode(instance), "", record))
        except InvalidFields as error:
            found.append(Row(number, None, str(error)[:_SHOWN], record))
    yield from sorted(found, key=lambda row: row.number)
