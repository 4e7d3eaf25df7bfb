"""Reading Parquet, some rows at a time, with values as JSON has them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet

from training.declarations.words import shortened
from training.errors import BadRequest

_PIECE = 1 << 20
"""Bytes in a piece: as Python's objects they take several times as many."""
_MOST_ROWS = 4_096


def parquet_names(path: Path) -> tuple[str, ...]:
    """Return the columns' names. Raises BadRequest for what is no Parquet, and for names that repeat."""
    with _opened(path) as file:
        names: list[str] = file.schema_arrow.names
    for name in names:
        if names.count(name) > 1:
            raise BadRequest(f"{path}: expected columns with different names, found {name!r} twice")
    return tuple(names)


def parquet_pieces(path: Path, names: Sequence[str]) -> Iterator[tuple[int, Mapping[str, list[Any]]]]:
    """Yield numbers of rows with their columns called *names*. Raises BadRequest."""
    with _opened(path) as file:
        batches = file.iter_batches(batch_size=_rows(file.metadata), columns=list(names), use_threads=False)
        try:
            for batch in batches:
                yield batch.num_rows, {name: _values(path, name, batch.column(name)) for name in names}
        except (OSError, pa.ArrowException) as error:
            raise BadRequest(f"{path}: expected Parquet: {shortened(error)}") from error


def _opened(path: Path) -> pa.parquet.ParquetFile:
    try:
        return pyarrow.parquet.ParquetFile(path, memory_map=True, buffer_size=_PIECE, pre_buffer=False)
    except (OSError, pa.ArrowException) as error:
        raise BadRequest(f"{path}: expected Parquet: {shortened(error)}") from error


def parquet_size(path: Path) -> int:
    """Return the number of bytes of all values, as they are encoded. Raises BadRequest."""
    with _opened(path) as file:
        return _size(file.metadata)


def _size(metadata: pa.parquet.FileMetaData) -> int:
    return sum(metadata.row_group(number).total_byte_size for number in range(metadata.num_row_groups))


def _rows(metadata: pa.parquet.FileMetaData) -> int:
    return int(max(1, min(_MOST_ROWS, _PIECE * metadata.num_rows // max(1, _size(metadata)))))


def _values(path: Path, name: str, column: pa.Array) -> list[Any]:
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
