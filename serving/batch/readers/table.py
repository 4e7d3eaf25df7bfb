"""Files of rows: CSV and TSV, JSON lines, Parquet."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import itemgetter
from typing import Any, BinaryIO

import orjson

from serving.batch.errors import BadInput
from serving.batch.inputs import Source
from serving.batch.readers.csv_lines import CsvLines, LineTooLong
from serving.batch.readers.parquet import ParquetRecords
from serving.batch.readers.records import MOST_ROW_BYTES, IteratorRecords, Opened, open_streams
from serving.batch.rows import Columns, Rows, UnreadableRow, row_id

_TOO_LONG = f"expected a row of at most {MOST_ROW_BYTES:,} bytes"


def csv_records(source: Source, columns: Columns) -> Opened:
    """Open CSV or TSV: UTF-8, with a header; raises BadInput if the header lacks a column."""
    csv.field_size_limit(MOST_ROW_BYTES)
    with open_streams(source) as (stream, file):
        # Bytes that are not UTF-8 come through, so that their row can be told.
        text = io.TextIOWrapper(stream, "utf-8-sig", errors="surrogateescape", newline="")
        lines = CsvLines(text, MOST_ROW_BYTES)
        cells = _cells(csv.reader(lines, "excel-tab" if source.format == "tsv" else "excel"), lines)
        records = IteratorRecords(source, (text, stream, file), cells, _cells_size, group=16)
        header = next(iter(records.take(1)), "nothing")
        if isinstance(header, str):
            raise BadInput(f"{source.name}: expected a line with the names of the columns, got {header}")
        _check_columns(source.name, header, columns)
    return Opened(records, CsvReader(source.name, columns, tuple(header)))


def jsonl_records(source: Source, columns: Columns) -> Opened:
    """Open JSON lines: an object on each."""
    with open_streams(source) as (stream, file):
        records = IteratorRecords(source, (stream, file), _lines(stream), _lines_size, group=1)
    return Opened(records, JsonlReader(source.name, columns))


def parquet_records(source: Source, columns: Columns) -> Opened:
    """Open a row group; raises BadInput if the file lacks a column."""
    records = ParquetRecords(source, columns.names)
    _check_columns(source.name, records.columns, columns)
    return Opened(records, ParquetReader(source.name, columns))


@dataclass(frozen=True)
class CsvReader:
    """Cells, all of them text -> rows. A cell that should be a number and is none is left for the contract to tell."""

    name: str
    columns: Columns
    header: tuple[str, ...]

    def read(self, records: Sequence[Any], first: int) -> Rows:
        """Read lists of cells."""
        rows = Rows()
        make_instance = self._maker()
        kept = [self.header.index(name) for name in self.columns.keep]
        id_column = self.columns.id_column
        id_index = self.header.index(id_column) if id_column else -1
        for number, cells in enumerate(records, first):
            if not cells:  # an empty line
                continue
            try:
                self._check(cells)
                identity = row_id(self.name, number, cells[id_index], id_column)
                rows.add(number, identity, make_instance(cells), [cells[index] for index in kept])
            except UnreadableRow as error:
                rows.rejects.append((number, str(error)))
        return rows

    def _check(self, cells: Any) -> None:
        if isinstance(cells, str):
            raise UnreadableRow(cells)
        if len(cells) != len(self.header):
            raise UnreadableRow(f"expected {len(self.header)} columns, got {len(cells)}")
        text = "".join(cells)
        if not text.isascii():
            try:
                text.encode()
            except UnicodeEncodeError as error:
                raise UnreadableRow("expected UTF-8, got other bytes") from error

    def _maker(self) -> Any:
        """Make the function from cells to an instance. It is here that files of numbers spend their time."""
        there = {
            name: self.header.index(column) for name, column in self.columns.fields.items() if column in self.header
        }
        names = tuple(there)
        pick = itemgetter(*there.values()) if len(there) > 1 else lambda cells: (cells[there[names[0]]],)
        if not set(names) <= self.columns.numbers:
            numbers = self.columns.numbers
            return lambda cells: {
                name: _number(cell) if name in numbers else cell for name, cell in zip(names, pick(cells), strict=True)
            }

        def instance(cells: list[str]) -> dict[str, Any]:
            picked = pick(cells)
            try:
                if "_" not in "".join(picked):
                    return dict(zip(names, map(float, picked), strict=True))
            except ValueError:
                pass
            return dict(zip(names, map(_number, picked), strict=True))

        return instance


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
                _add(rows, self.name, self.columns, number, _object(line))
            except UnreadableRow as error:
                rows.rejects.append((number, str(error)))
        return rows


@dataclass(frozen=True)
class ParquetReader:
    """Record batches -> rows."""

    name: str
    columns: Columns

    def read(self, records: Any, first: int) -> Rows:
        """Read a record batch."""
        rows = Rows()
        for number, row in enumerate(records.to_pylist(), first):
            try:
                _add(rows, self.name, self.columns, number, row)
            except UnreadableRow as error:
                rows.rejects.append((number, str(error)))
        return rows


def _add(rows: Rows, name: str, columns: Columns, number: int, row: Mapping[str, Any]) -> None:
    identity = row_id(name, number, row.get(columns.id_column) if columns.id_column else None, columns.id_column)
    instance = {field: row[column] for field, column in columns.fields.items() if column in row}
    rows.add(number, identity, instance, [row.get(column) for column in columns.keep])


def _object(line: bytes | None) -> dict[str, Any]:
    if line is None:
        raise UnreadableRow(_TOO_LONG)
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise UnreadableRow(f"expected a JSON object: {error}") from error
    if not isinstance(row, dict):
        raise UnreadableRow(f"expected a JSON object, got {type(row).__name__}")
    return row


def _check_columns(name: str, header: Sequence[str], columns: Columns) -> None:
    missing = [column for column in columns.needed if column not in header]
    if missing:
        given = ", ".join(header[:20]) + (", ..." if len(header) > 20 else "")
        raise BadInput(f"{name}: expected a column '{missing[0]}', got {given}; --column FIELD=COLUMN names another")
    twice = [column for column in columns.names if list(header).count(column) > 1]
    if twice:
        raise BadInput(f"{name}: the column '{twice[0]}' stands there twice")


def _cells(reader: Iterator[list[str]], lines: CsvLines) -> Iterator[list[str] | str]:
    """Give the cells of each row; of one that can't be read, what is wrong.

    Raises ValueError where it can't be told any more where the next row begins.
    """
    while True:
        lines.of_row = 0
        try:
            yield next(reader)
        except StopIteration:
            return
        except LineTooLong as error:
            yield str(error)
        except csv.Error as error:
            if "field limit" in str(error):
                raise ValueError(f"row {lines.rows}: {error}: is there a quote that is not closed?") from error
            yield f"expected CSV: {error}"
        lines.rows += 1


def _cells_size(rows: Sequence[Any]) -> int:
    return sum(map(len, chain.from_iterable(rows)))


def _lines_size(lines: Sequence[bytes | None]) -> int:
    return sum(map(len, filter(None, lines)))


def _lines(stream: BinaryIO) -> Iterator[bytes | None]:
    """Give each line; None for one that is too long."""
    while line := stream.readline(MOST_ROW_BYTES):
        if len(line) < MOST_ROW_BYTES or line.endswith(b"\n"):
            yield line
            continue
        while (rest := stream.readline(MOST_ROW_BYTES)) and not rest.endswith(b"\n"):
            pass
        yield None


def _number(cell: str) -> Any:
    if not cell.strip():
        return None
    try:
        return cell if "_" in cell else float(cell)
    except ValueError:
        return cell
