"""CSV files: a line is a row; commas, semicolons, tabs or pipes separate its cells."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import itemgetter
from typing import Any, BinaryIO

from serving.batch.cells import FLOATS
from serving.batch.errors import BadInput
from serving.batch.inputs.source import Source
from serving.batch.readers.column_check import check_columns
from serving.batch.readers.csv_dialect import find_decimal, find_encoding, find_separator
from serving.batch.readers.csv_lines import CsvLines, LineTooLong
from serving.batch.readers.records import MAX_ROW_BYTES, IteratorRecords, Opened, explaining_damage, open_streams
from serving.batch.readers.text_encoding import checked_text
from serving.batch.rows import Columns, Rows, UnreadableRow, row_id

_LOOKED_AT = 1000
"""Rows in which decimal commas are looked for."""
_BEGINNING = 1 << 20
"""Bytes in which letters of UTF-8 are looked for."""


def csv_records(source: Source, columns: Columns, usual: str = ",") -> Opened:
    """Open CSV with a header, usually separated by *usual*; raises BadInput if the header lacks a column."""
    csv.field_size_limit(MAX_ROW_BYTES)
    reading, dialect = columns.reading, columns.dialect
    encoding = find_encoding(dialect.encoding, reading, lambda: _beginning(source))
    usual = reading.separator if reading and reading.is_csv else usual
    with open_streams(source) as (stream, file):
        text = _text(source.name, stream, encoding)
        lines = CsvLines(text, MAX_ROW_BYTES)
        separator = find_separator(dialect.separator, usual, lines.peek(), columns.needed or columns.names)
        cells = _cells(csv.reader(lines, delimiter=separator, strict=True), lines)
        records = IteratorRecords(source, (text, stream, file), cells, _cells_size, group=16)
        header = next(iter(records.take(1)), "nothing, as the file is empty")
        if isinstance(header, str):
            raise BadInput(f"{source.name}: expected a line with the names of the columns, got {header}")
        _check_encoding(source.name, header, encoding)
        unused = check_columns(source.name, header, columns)
        decimal = _decimal(source.name, separator, header, records, columns)
    return Opened(records, CsvReader(source.name, columns, tuple(header), decimal, encoding), unused)


def _text(name: str, stream: BinaryIO, encoding: str) -> io.TextIOWrapper:
    """Return *stream* as text. Bytes that can't be decoded pass, so that only their row is rejected."""
    if encoding == "utf-16":
        return io.TextIOWrapper(stream, encoding, errors="surrogatepass", newline="")
    return io.TextIOWrapper(checked_text(name, stream), encoding, errors="surrogateescape", newline="")


def _beginning(source: Source) -> bytes:
    with open_streams(source) as (stream, file), explaining_damage(source.name):
        first = stream.read(_BEGINNING)
    file.close()
    return first


def _check_encoding(name: str, header: Sequence[str], encoding: str) -> None:
    try:
        "".join(header).encode()
    except UnicodeEncodeError as error:
        other = "choose another --encoding, or convert the file first"
        raise BadInput(f"{name}: the names of the columns are not {encoding.upper()}: {other}") from error


def _decimal(name: str, separator: str, header: list[str], records: IteratorRecords, columns: Columns) -> str:
    if separator == "," or not columns.numbers:
        return find_decimal(columns.dialect.decimal, columns.reading, separator, name, ())
    first = records.take(_LOOKED_AT)
    records.put_back(first)
    there = [column for field, column in columns.fields.items() if field in columns.numbers and column in header]
    rows = (dict(zip(header, cells, strict=True)) for cells in first if len(cells) == len(header))
    numbers = (row[column] for row in rows for column in there)
    return find_decimal(columns.dialect.decimal, columns.reading, separator, name, numbers)


@dataclass(frozen=True)
class CsvReader:
    """Cells, all of them text -> rows. A cell that should be a number but is not is left for the contract to reject."""

    name: str
    columns: Columns
    header: tuple[str, ...]
    decimal: str = "."
    encoding: str = "utf-8"

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
                raise UnreadableRow(f"expected {self.encoding.upper()}, got other bytes") from error

    def _maker(self) -> Any:
        """Return the function from cells to an instance. Files of numbers spend most of their time in it."""
        there = {
            name: self.header.index(column) for name, column in self.columns.fields.items() if column in self.header
        }
        names = tuple(there)
        pick = itemgetter(*there.values()) if len(there) > 1 else lambda cells: (cells[there[names[0]]],)
        kinds = [self.columns.kinds[name] for name in names]
        readers = [kind.reader(self.decimal) for kind in kinds]

        def instance(cells: list[str]) -> dict[str, Any]:
            return {name: read(cell) for name, read, cell in zip(names, readers, pick(cells), strict=True)}

        plain = all(kind.is_number and kind.datatype in FLOATS and not kind.has_odd_numbers for kind in kinds)
        if self.decimal != "." or not plain:
            return instance

        may_miss = any(kind.missing for kind in kinds)  # then NaN is a missing one

        def numbers(cells: list[str]) -> dict[str, Any]:
            picked = pick(cells)
            text = "".join(picked)
            try:
                if not ("_" in text or (may_miss and ("n" in text or "N" in text))):
                    return dict(zip(names, map(float, picked), strict=True))
            except ValueError:
                pass
            return instance(cells)

        return numbers


def _cells(reader: Iterator[list[str]], lines: CsvLines) -> Iterator[list[str] | str]:
    """Yield the cells of each row; for an unreadable row, what is wrong with it.

    Raises ValueError where the beginning of the next row can't be found.
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
            if lines.of_row > 1 or "field limit" in str(error):
                raise ValueError(lines.unclosed()) from error
            yield f"expected CSV: {error}"
        lines.rows += 1


def _cells_size(rows: Sequence[Any]) -> int:
    return sum(map(len, chain.from_iterable(rows)))
