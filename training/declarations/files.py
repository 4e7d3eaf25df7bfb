"""Reading tables, some rows at a time: CSV, Parquet and JSON lines. What can't be read is refused with its place."""

import csv
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv

from training.declarations.json_lines import SUFFIXES as JSON_LINES
from training.declarations.json_lines import json_rows, line_files
from training.declarations.parquet_files import parquet_names, parquet_pieces, parquet_size
from training.declarations.table import Dialect, Table
from training.declarations.texts import check_text, opened
from training.declarations.words import shortened
from training.errors import BadRequest

CSV = (".csv", ".tsv", ".txt", ".tab")
PARQUET = (".parquet", ".pq")
COMPRESSED = (".gz", ".zst", ".bz2")
MOST_COLUMNS = 10_000
LOOKED_AT = 64 << 20
"""Bytes that `plumbline new` looks at: they are in memory, as Python's objects."""
_PACKED = 5
"""How many times as large a compressed file usually is when it is unpacked."""
_BLOCK = 1 << 24
"""No row of a CSV file may be larger."""
_PIECE = 1 << 20
"""Bytes of a CSV file in a piece: as Python's objects they take several times as many."""
_ROWS = 1_024
"""Rows of JSON lines in a piece."""
_MOST_SEEN = 100_000
"""So many different values are kept once, however often they come."""


def suffix_of(path: Path) -> str:
    """Return the ending of a file's name that says its format, whether or not the file is compressed."""
    return Path(path.stem if path.suffix.lower() in COMPRESSED else path.name).suffix.lower()


def is_table(path: Path) -> bool:
    """Return whether the name is that of a table."""
    return suffix_of(path) in (*CSV, *PARQUET, *JSON_LINES)


def check_format(path: Path) -> None:
    """Raise BadRequest if there is no such file, or folder of JSON lines, or if its name is not that of a table."""
    if path.is_dir():
        if not line_files(path):
            raise BadRequest(f"{path}: expected a file, or a folder of {' or '.join(JSON_LINES)}, found another folder")
        return
    if not path.is_file():
        raise BadRequest(f"{path}: expected a file, found none")
    if not is_table(path):
        known = ", ".join((*CSV, *PARQUET, *JSON_LINES))
        raise BadRequest(f"{path}: expected a name that ends in {known} (and then maybe {', '.join(COMPRESSED)})")


@dataclass(frozen=True)
class TableFile:
    """A table on disk, which is read from its beginning as often as needed; *dialect* is that of a CSV file."""

    path: Path
    dialect: Dialect

    def __post_init__(self) -> None:
        """Raise BadRequest if it has not the name of a table."""
        check_format(self.path)

    @property
    def texts(self) -> bool:
        """Whether every value is the text of its cell."""
        return suffix_of(self.path) in CSV

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The columns' names. Raises BadRequest."""
        names = self._names()
        if len(names) > MOST_COLUMNS:
            raise BadRequest(f"{self.path}: expected at most {MOST_COLUMNS:,} columns, got {len(names):,}")
        return names

    def _names(self) -> tuple[str, ...]:
        if self.texts:
            check_text(self.path, self.dialect.encoding)
            return _header(self.path, self.dialect)
        if suffix_of(self.path) in PARQUET:
            return parquet_names(self.path)
        names: dict[str, None] = {}
        for number, row in json_rows(self.path):
            names.update(dict.fromkeys(row))
            if len(names) > MOST_COLUMNS:
                raise BadRequest(
                    f"{self.path}, line {number}: expected at most {MOST_COLUMNS:,} columns in all, got more"
                )
        return tuple(names)

    def pieces(self, names: Collection[str]) -> Iterator[Table]:
        """Yield the columns called *names*, some rows at a time. Raises BadRequest, also if there are no rows."""
        known = [name for name in self.names if name in names]
        if self.texts:
            pieces = _csv_pieces(self.path, self.dialect, self.names, known)
        else:
            pieces = (
                parquet_pieces(self.path, known) if suffix_of(self.path) in PARQUET else _json_pieces(self.path, known)
            )
        first = 0
        for count, columns in pieces:
            yield Table(self.path.name, columns, self.texts, first)
            first += count
        if not first:
            raise BadRequest(f"{self.path}: expected rows, found none")

    def read(self, names: Collection[str]) -> Table:
        """Return whole columns; equal values among the first are the same object. Raises BadRequest."""
        seen: dict[Any, Any] = {}
        columns: dict[str, list[Any]] = {name: [] for name in self.names if name in names}
        for piece in self.pieces(names):
            for name, values in piece.columns.items():
                columns[name] += [_same(seen, value) for value in values]
        return Table(self.path.name, columns, self.texts)

    def sample(self) -> Table:
        """Return the whole table, or of a large one every second, third, ... row. Raises BadRequest."""
        every, total = max(1, -(-self._size() // LOOKED_AT)), 0
        columns: dict[str, list[Any]] = {name: [] for name in self.names}
        for piece in self.pieces(self.names):
            for name, values in piece.columns.items():
                columns[name] += values[-piece.first % every :: every]
            total = piece.first + piece.rows
        return Table(self.path.name, columns, self.texts, every=every, total=total)

    def _size(self) -> int:
        if suffix_of(self.path) in PARQUET:
            return parquet_size(self.path)
        if self.path.is_dir():
            return sum(file.stat().st_size for file in line_files(self.path)) * _PACKED
        return self.path.stat().st_size * (_PACKED if self.path.suffix.lower() in COMPRESSED else 1)


def _same(seen: dict[Any, Any], value: Any) -> Any:
    if type(value) is not str:  # 1, 1.0 and True are the same key
        return value
    return seen.setdefault(value, value) if len(seen) < _MOST_SEEN else seen.get(value, value)


def header_of(path: Path, lines: Iterator[str], separator: str) -> list[str]:
    """Return the names in the first row. Raises BadRequest for names that repeat, and where there are none."""
    try:
        names = next(csv.reader((line for line in lines if line.strip()), delimiter=separator, strict=True), [])
    except csv.Error as error:
        raise BadRequest(f"{path}, line 1: expected the names of the columns: {error}") from error
    if not names:
        raise BadRequest(f"{path}: expected a first line with the names of the columns, found an empty file")
    for name in names:
        if names.count(name) > 1:
            raise BadRequest(f"{path}: expected columns with different names, found {name!r} {names.count(name)} times")
    return names


def _header(path: Path, dialect: Dialect) -> tuple[str, ...]:
    with opened(path, dialect.encoding) as lines:
        names = header_of(path, lines, dialect.separator)
    if all(_is_number(name) for name in names):
        raise BadRequest(
            f"{path}: expected a first line with the names of the columns, found numbers: {', '.join(names[:5])}"
        )
    return tuple(names)


def _csv_pieces(
    path: Path, dialect: Dialect, names: Sequence[str], chosen: Sequence[str]
) -> Iterator[tuple[int, Mapping[str, list[str]]]]:
    places = [names.index(name) for name in chosen]
    try:
        with pa.input_stream(str(path)) as stream, _csv_reader(stream, dialect, names) as reader:
            for batch in reader:
                step = max(1, batch.num_rows * _PIECE // max(1, batch.nbytes))
                for start in range(0, batch.num_rows, step):
                    part = batch.slice(start, step)
                    yield part.num_rows, {names[it]: part.column(it).to_pylist() for it in places}
    except (OSError, pa.ArrowException) as error:
        raise BadRequest(f"{path}: {shortened(error)}: is the separator {dialect.separator!r}?") from error


def _csv_reader(stream: Any, dialect: Dialect, names: Sequence[str]) -> pa.csv.CSVStreamingReader:
    encoding = "utf8" if dialect.encoding == "utf-8" else dialect.encoding  # which Arrow takes as it is
    return pyarrow.csv.open_csv(
        stream,
        pyarrow.csv.ReadOptions(block_size=_BLOCK, encoding=encoding, use_threads=False),
        pyarrow.csv.ParseOptions(delimiter=dialect.separator, newlines_in_values=True),
        pyarrow.csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False),
    )


def _is_number(text: str) -> bool:
    with suppress(ValueError):
        float(text.replace(",", "."))
        return True
    return False


def _json_pieces(path: Path, names: Sequence[str]) -> Iterator[tuple[int, Mapping[str, list[Any]]]]:
    rows: list[Mapping[str, Any]] = []
    for _, row in json_rows(path):
        rows.append(row)
        if len(rows) == _ROWS:
            yield len(rows), {name: [row.get(name) for row in rows] for name in names}
            rows = []
    if rows:
        yield len(rows), {name: [row.get(name) for row in rows] for name in names}
