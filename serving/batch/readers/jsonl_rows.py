"""JSON lines: an object on each line is a row. Of a capture it is the instance; those of failed requests are none."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, BinaryIO

import orjson

from serving.batch.inputs.source import Source
from serving.batch.readers.column_check import check_columns
from serving.batch.readers.records import MAX_ROW_BYTES, IteratorRecords, Opened, open_streams
from serving.batch.readers.text_encoding import checked_text
from serving.batch.rows import Columns, Rows, UnreadableRow, row_id
from serving.captures.rows import as_row

_TOO_LONG = f"expected a row of at most {MAX_ROW_BYTES:,} bytes"
_LOOKED_AT = 1000
"""A column that is in none of the first rows, this many, is missing."""


def jsonl_records(source: Source, columns: Columns) -> Opened:
    """Open JSON lines; raises BadInput if a column is in none of the first rows."""
    with open_streams(source) as (stream, file):
        text = checked_text(source.name, stream)
        records = IteratorRecords(source, (text, stream, file), _lines(text), _lines_size, group=1)
        first = records.take(_LOOKED_AT)
        records.put_back(first)
        names = _names(first)
        unused = check_columns(source.name, names, columns) if names else ()
    return Opened(records, JsonlReader(source.name, columns), unused)


@dataclass(frozen=True)
class JsonlReader:
    """Lines of JSON -> rows."""

    name: str
    columns: Columns

    def read(self, records: Sequence[bytes | None], first: int) -> Rows:
        """Read lines; None is one that was too long."""
        rows = Rows()
        for number, line in enumerate(records, first):
            if line is not None and not line.strip():
                continue
            try:
                if (row := _row(line)) is not None:  # an empty object is a row
                    _add(rows, self.name, self.columns, number, row)
            except UnreadableRow as error:
                rows.rejects.append((number, str(error)))
        return rows


def _add(rows: Rows, name: str, columns: Columns, number: int, row: Mapping[str, Any]) -> None:
    identity = row_id(name, number, row.get(columns.id_column) if columns.id_column else None, columns.id_column)
    instance = {
        field: columns.kinds[field].of_text(row[column]) for field, column in columns.fields.items() if column in row
    }
    rows.add(number, identity, instance, [row.get(column) for column in columns.keep])


def _row(line: bytes | None) -> dict[str, Any] | None:
    if line is None:
        raise UnreadableRow(_TOO_LONG)
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise UnreadableRow(f"expected a JSON object: {error}") from error
    if not isinstance(row, dict):
        raise UnreadableRow(f"expected a JSON object, got {type(row).__name__}")
    return as_row(row)


def _lines_size(lines: Sequence[bytes | None]) -> int:
    return sum(map(len, filter(None, lines)))


def _lines(stream: BinaryIO) -> Iterator[bytes | None]:
    """Yield each line, or None if it is too long."""
    while line := stream.readline(MAX_ROW_BYTES):
        if len(line) < MAX_ROW_BYTES or line.endswith(b"\n"):
            yield line
            continue
        while (rest := stream.readline(MAX_ROW_BYTES)) and not rest.endswith(b"\n"):
            pass
        yield None


def _names(lines: Sequence[bytes | None]) -> list[str]:
    """List the names in the lines that are objects, each once."""
    names: dict[str, None] = {}
    for line in lines:
        with suppress(UnreadableRow):
            names |= dict.fromkeys(_row(line) or ())
    return list(names)
