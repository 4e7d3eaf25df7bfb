"""The rows of a file of truths: a request's id, the number of the instance in it, and the truth."""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from serving.batch.cells import CellKind
from serving.batch.formats import open_source
from serving.batch.inputs.finding import find_inputs
from serving.batch.inputs.source import Inputs, Source
from serving.batch.readers.csv_dialect import Dialect
from serving.batch.rows import Columns
from serving.contract import Contract
from serving.contract.heads import Interval, Labels, Value
from serving.errors import shown
from serving.truth.comparing import misfit
from serving.truth.feedback import is_index, is_request_id

FIELDS = ("request_id", "index", "truth")


@dataclass(frozen=True)
class Chunk:
    """Some rows: the *items* of those that fit, what is wrong with the others, and how far the source is read."""

    items: list[dict[str, Any]]
    problems: list[str]
    position: int


def find_file(path: str) -> Inputs:
    """Return the sources of the file at *path*; raises BatchError or OSError."""
    return find_inputs((path,), None, sys.stdin.buffer)


def columns_of(contract: Contract, mapping: Mapping[str, str], dialect: Dialect) -> Columns:
    """Return the columns that are read; *mapping* has those with names of their own."""
    kinds = {"request_id": _cells("BYTES"), "index": _cells("INT64"), "truth": _truths(contract)}
    names = {field: mapping.get(field, field) for field in FIELDS}
    return Columns(names, frozenset(("request_id", "truth")), kinds, allow_missing=True, dialect=dialect)


def read_chunks(source: Source, columns: Columns, contract: Contract, most: int) -> Iterator[Chunk]:
    """Yield the rows of *source*, at most *most* at a time; raises BatchError or OSError."""
    opened = open_source(source, columns)
    first = source.before + 1
    try:
        while len(records := opened.records.take(most)):
            rows = opened.reader.read(records, first)
            wrong = list(rows.rejects)
            items = []
            for number, row in zip(rows.numbers, rows.instances, strict=True):
                item = {**row, "index": 0 if row.get("index") is None else row["index"]}
                if problem := _problem(item, contract):
                    wrong.append((number, problem))
                else:
                    items.append(item)
            problems = [f"row {number}: {reason}" for number, reason in sorted(wrong)]
            yield Chunk(items, problems, opened.records.position())
            first += len(records)
    finally:
        opened.records.close()


def _problem(item: Mapping[str, Any], contract: Contract) -> str:
    """Return what is wrong with a row; empty if nothing is."""
    if not is_request_id(item.get("request_id")):
        return f"request_id: expected the X-Request-ID of a prediction, got {shown(item.get('request_id'))}"
    if not is_index(item["index"]):
        return f"index: expected a whole number from 0, got {shown(item['index'])}"
    if found := misfit(contract.answers, item.get("truth")):
        return f"{'/'.join(('truth', *found[0]))}: expected {found[1]}, got {shown(item.get('truth'))}"
    return ""


def _truths(contract: Contract) -> CellKind:
    """Return how a cell holds a truth: a text, a number, or JSON for what has parts."""
    match contract.answers.only:
        case Labels():
            return _cells("BYTES")
        case Value() | Interval():
            return _cells("FP64")
    return _cells("BYTES", is_list=True)


def _cells(datatype: str, is_list: bool = False) -> CellKind:
    return CellKind(datatype, is_list, is_file=False, is_date=False, missing=frozenset())
