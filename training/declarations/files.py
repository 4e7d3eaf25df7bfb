"""Reading tables: CSV, Parquet and JSON lines. What can't be read is refused with the file and the row."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from training.declarations.table import Dialect, Table
from training.declarations.words import shortened
from training.errors import BadRequest

CSV = (".csv", ".tsv", ".txt", ".tab")
PARQUET = (".parquet", ".pq")
JSON_LINES = (".jsonl", ".ndjson")
COMPRESSED = (".gz", ".zst", ".bz2")
MOST_BYTES = 2 << 30
"""The largest file, unpacked: all of it is in memory while a model is trained on it."""
MOST_COLUMNS = 10_000
_BLOCK = 1 << 24
"""No row of a CSV file may be larger."""


def suffix_of(path: Path) -> str:
    """Return the ending of a file's name that says its format, whether or not the file is compressed."""
    return Path(path.stem if path.suffix.lower() in COMPRESSED else path.name).suffix.lower()


def is_table(path: Path) -> bool:
    """Return whether the name is that of a table."""
    return suffix_of(path) in (*CSV, *PARQUET, *JSON_LINES)


def check_format(path: Path) -> None:
    """Raise BadRequest if there is no such file, or if its name is not that of a table."""
    if not path.is_file():
        raise BadRequest(f"{path}: expected a file, found {'a folder' if path.is_dir() else 'none'}")
    if not is_table(path):
        known = ", ".join((*CSV, *PARQUET, *JSON_LINES))
        raise BadRequest(f"{path}: expected a name that ends in {known} (and then maybe {', '.join(COMPRESSED)})")


def read_table(path: Path, dialect: Dialect) -> Table:
    """Read a table; *dialect* is that of a CSV file. Raises BadRequest."""
    check_format(path)
    suffix = suffix_of(path)
    if suffix in CSV:
        columns: dict[str, Sequence[Any]] = _csv_columns(path, dialect)
    else:
        columns = _parquet_columns(path) if suffix in PARQUET else _json_columns(path)
    if len(columns) > MOST_COLUMNS:
        raise BadRequest(f"{path}: expected at most {MOST_COLUMNS:,} columns, got {len(columns):,}")
    table = Table(path.name, columns, suffix in CSV)
    if not table.rows:
        raise BadRequest(f"{path}: expected rows, found none")
    return table


def content(path: Path) -> bytes:
    """Return a file's bytes, unpacked. Raises BadRequest if it can't be read, or is too large."""
    try:
        with pa.input_stream(str(path)) as stream:
            data: bytes = stream.read(MOST_BYTES + 1)
    except (OSError, pa.ArrowException) as error:
        raise BadRequest(f"{path}: can't be read: {shortened(error)}") from error
    if len(data) > MOST_BYTES:
        raise BadRequest(f"{path}: expected at most {MOST_BYTES:,} bytes, got more")
    return data


def decoded(path: Path, data: bytes, encoding: str) -> str:
    """Return *data* as text, without the byte order mark. Raises BadRequest."""
    try:
        return data.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise BadRequest(
            f"{path}, line {line}: expected text in {encoding}, got the byte {data[error.start]:#x}"
        ) from None


def lines_of(text: str) -> Iterator[str]:
    """Yield the lines of a CSV file with their ends; other marks that Unicode counts as line ends may be in a cell."""
    yield from io.StringIO(text, newline="")


def header_of(path: Path, text: str, separator: str) -> list[str]:
    """Return the names in the first row. Raises BadRequest for names that repeat, and where there are none."""
    lines = (line for line in lines_of(text) if line.strip())
    try:
        names = next(csv.reader(lines, delimiter=separator, strict=True), [])
    except csv.Error as error:
        raise BadRequest(f"{path}, line 1: expected the names of the columns: {error}") from error
    if not names:
        raise BadRequest(f"{path}: expected a first line with the names of the columns, found an empty file")
    for name in names:
        if names.count(name) > 1:
            raise BadRequest(f"{path}: expected columns with different names, found {name!r} {names.count(name)} times")
    return names


def _csv_columns(path: Path, dialect: Dialect) -> dict[str, Sequence[Any]]:
    text = decoded(path, content(path), dialect.encoding)
    names = header_of(path, text, dialect.separator)
    if all(_is_number(name) for name in names):
        raise BadRequest(
            f"{path}: expected a first line with the names of the columns, found numbers: {', '.join(names[:5])}"
        )
    try:
        table = pyarrow.csv.read_csv(
            pa.BufferReader(text.encode()),
            pyarrow.csv.ReadOptions(block_size=min(max(len(text) * 4, 1 << 10), _BLOCK)),
            pyarrow.csv.ParseOptions(delimiter=dialect.separator, newlines_in_values=True),
            pyarrow.csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False),
        )
    except pa.ArrowException as error:
        raise BadRequest(f"{path}: {shortened(error)}: is the separator {dialect.separator!r}?") from error
    return {name: column.to_pylist() for name, column in zip(names, table.columns, strict=True)}


def _is_number(text: str) -> bool:
    with suppress(ValueError):
        float(text.replace(",", "."))
        return True
    return False


def _parquet_columns(path: Path) -> dict[str, Sequence[Any]]:
    try:
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise BadRequest(f"{path}: expected at most {MOST_BYTES:,} bytes, got {size:,}")
        table = pyarrow.parquet.read_table(path)
    except (OSError, pa.ArrowException) as error:
        raise BadRequest(f"{path}: expected Parquet: {shortened(error)}") from error
    for name in table.column_names:
        if table.column_names.count(name) > 1:
            raise BadRequest(f"{path}: expected columns with different names, found {name!r} twice")
    return {name: _arrow_values(path, name, table[name]) for name in table.column_names}


def _arrow_values(path: Path, name: str, column: pa.ChunkedArray) -> list[Any]:
    try:
        if pa.types.is_timestamp(column.type):
            column = column.cast(pa.timestamp("us", column.type.tz), safe=False)
        return _plain(column.to_pylist())
    except (pa.ArrowException, ValueError, OverflowError) as error:
        raise BadRequest(f"{path}, column {name!r}: can't be read: {shortened(error)}") from error


def _plain(values: Iterable[Any]) -> list[Any]:
    return [_plain_value(value) for value in values]


def _plain_value(value: Any) -> Any:
    """Return a value as JSON has it: dates become text, decimals floats, and NaN a gap."""
    if isinstance(value, date):  # datetimes are dates
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, float) and value != value:
        return None
    return _plain(value) if isinstance(value, list) else value


def _json_columns(path: Path) -> dict[str, Sequence[Any]]:
    text = decoded(path, content(path), "utf-8")
    rows, names = [], {}
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        row = _json_row(path, number, line)
        names.update(dict.fromkeys(row))
        rows.append(row)
        if len(names) > MOST_COLUMNS:
            raise BadRequest(f"{path}, line {number}: expected at most {MOST_COLUMNS:,} columns in all, got more")
    return {name: [row.get(name) for row in rows] for name in names}


def _json_row(path: Path, number: int, line: str) -> dict[str, Any]:
    try:
        row = json.loads(line, parse_constant=lambda word: None)  # NaN, as Python writes it
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"{path}, line {number}: expected a JSON object, got {line.strip()[:60]!r}") from error
    if not isinstance(row, dict):
        raise BadRequest(f"{path}, line {number}: expected a JSON object, got {line.strip()[:60]!r}")
    return row
