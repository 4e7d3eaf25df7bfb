"""The rows of a file as scoring reads them, decoded, with the answers that a scored file has."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from serving.batch.errors import BatchError
from serving.batch.formats import open_source
from serving.batch.inputs.finding import find_inputs
from serving.batch.inputs.source import Source
from serving.batch.readers.csv_dialect import Dialect
from serving.batch.readers.records import Opened
from serving.batch.rows import Columns, Rows, find_columns
from serving.commands.scored_answers import UnreadableAnswer, answer_columns, as_measures, measure_row
from serving.contract import Contract, Measures
from serving.contract import Rows as Decoded

_CHUNK = 1000
_SHOWN = 200


class UnreadableFile(ValueError):
    """The file can't be read; the message names the place."""


@dataclass(frozen=True)
class Chunk:
    """Some rows of a file: those that could be *decoded*, their numbers and answers, and what is wrong with others."""

    decoded: Decoded
    numbers: Sequence[int]
    answers: Sequence[Mapping[str, Any]]
    problems: Sequence[str]


def read_chunks(
    path: Path, contract: Contract, columns: Mapping[str, str], allow_missing: bool, dialect: Dialect
) -> Iterator[Chunk]:
    """Read *path*, any file of rows that can be scored; *columns* maps fields to columns with other names.

    Of the other columns only the answers of a scored file are read. With *allow_missing* a file may lack the columns of
    optional fields. *dialect* is that of a CSV file. Raises UnreadableFile.
    """
    try:
        wanted = find_columns(contract, columns, None, (), allow_missing, dialect)
        for source in find_inputs((str(path),), None, sys.stdin.buffer).sources:
            yield from _chunks(source, wanted, contract)
    except (BatchError, OSError) as error:
        raise UnreadableFile(str(error)) from error


def answered(contract: Contract, record: Mapping[str, Any]) -> bool:
    """Return whether a row has the model's answer, of a kind that can be measured, with the inputs."""
    columns = answer_columns(contract.answers)
    return bool(columns) and all(record.get(name) not in (None, "") for name in columns)


def measure_answers(path: Path, contract: Contract, chunk: Chunk) -> Measures:
    """Measure the answers of a scored file; raises UnreadableFile if a row has none."""
    measured = []
    for row, answer in zip(chunk.numbers, chunk.answers, strict=True):
        if not answered(contract, answer):
            raise UnreadableFile(f"{path}: row {row}: has no answer, though others have; score the whole file")
        try:
            measured.append(measure_row(contract.answers, answer))
        except UnreadableAnswer as error:
            raise UnreadableFile(f"{path}: row {row}: {error}") from None
    return as_measures(contract.answers, measured)


def _chunks(source: Source, columns: Columns, contract: Contract) -> Iterator[Chunk]:
    answer = answer_columns(contract.answers)
    if not set(answer).isdisjoint(columns.fields.values()):  # a column of an input: a scored file has no such
        answer = ()
    opened, answer = _opened(source, columns, answer)
    first = source.before + 1
    try:
        while len(records := opened.records.take(_CHUNK)):
            yield _decoded(opened.reader.read(records, first), answer, contract)
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


def _decoded(rows: Rows, answer: tuple[str, ...], contract: Contract) -> Chunk:
    decoded, rejected = contract.decode_each(rows.instances)
    problems = [*rows.rejects, *((rows.numbers[row], "; ".join(map(str, it))) for row, it in rejected.items())]
    fitting = [row for row in range(len(rows.instances)) if row not in rejected]
    return Chunk(
        decoded,
        [rows.numbers[row] for row in fitting],
        [dict(zip(answer, rows.kept[row], strict=True)) for row in fitting],
        [f"row {number}: {reason[:_SHOWN]}" for number, reason in sorted(problems)],
    )
