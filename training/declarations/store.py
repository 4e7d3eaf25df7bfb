"""The rows of a table on disk: columns of values in batches of Arrow, in a file that is mapped into memory.

Values come back exactly as they were: those that no type of Arrow holds without a change are kept as JSON.
"""

import json
import mmap
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np
import pyarrow as pa

from training.data.instances import Instance, Lazy, Numbers
from training.data.scratch import CacheUnavailable, new_file

_TYPES = {bool: pa.bool_(), int: pa.int64(), float: pa.float64(), str: pa.string()}
_AS_JSON = {b"json": b""}
_BATCH = 4 << 20
"""Bytes in a batch."""
_PIECE = 1 << 20
"""Bytes that are taken at a time: as Python's objects they take several times as many."""
_MOST_ROWS = 4096
_ALIGNMENT = 64


class RowWriter:
    """Writes rows to a file without a name, column by column, some rows at a time."""

    def __init__(self) -> None:
        self._file = new_file()
        self._places: list[tuple[int, int]] = []
        self._pending: list[pa.RecordBatch] = []

    def add(self, columns: Mapping[str, Sequence[Any]]) -> None:
        """Add rows, the values of each column of them; None is a gap. Raises CacheUnavailable."""
        stored = [_stored(name, values) for name, values in columns.items()]
        schema = pa.schema([field for field, _ in stored])
        if self._pending and not schema.equals(self._pending[0].schema, check_metadata=True):
            self._flush()
        self._pending.append(pa.record_batch([array for _, array in stored], schema=schema))
        if sum(batch.nbytes for batch in self._pending) >= _BATCH:
            self._flush()

    def __enter__(self) -> "RowWriter":
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def finish(self) -> "StoredRows":
        """Return all rows. Raises CacheUnavailable."""
        self._flush()
        return StoredRows(mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ), self._places)

    def _flush(self) -> None:
        if not self._pending:
            return
        batch = pa.concat_batches(self._pending)
        self._pending = []
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, batch.schema) as stream:
            stream.write_batch(batch)
        content = sink.getvalue()
        try:
            start = self._file.seek(-self._file.tell() % _ALIGNMENT, 1)
            self._file.write(content)
            self._file.flush()
        except OSError as error:
            raise CacheUnavailable(error, start + len(content)) from error
        self._places.append((start, len(content)))


class StoredRows(Lazy[Instance]):
    """Rows that a RowWriter has written, as instances: they are made when they are asked for."""

    def __init__(self, content: mmap.mmap, places: Sequence[tuple[int, int]]) -> None:
        self._batches = [_batch(content, *place) for place in places]
        self._ends = np.cumsum([batch.num_rows for batch in self._batches])
        self.piece = _piece(len(content), len(self))

    def __len__(self) -> int:
        return int(self._ends[-1])

    def take(self, rows: Numbers) -> Sequence[Instance]:
        """Return the instances with the numbers *rows*."""
        names = self._batches[0].schema.names
        columns = [self.values(place, rows) for place in range(len(names))]
        return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]

    def column(self, name: str) -> Lazy[Any]:
        """Return the values of a field."""
        return _StoredColumn(self, self._batches[0].schema.get_field_index(name))

    def size(self, place: int) -> int:
        """Return the number of bytes of a column."""
        return sum(batch.column(place).nbytes for batch in self._batches)

    def values(self, place: int, rows: Numbers) -> list[Any]:
        """Return the values that a column has in *rows*."""
        order = np.argsort(rows, kind="stable")
        found = list(chain.from_iterable(self._parts(place, rows[order])))
        if (order[1:] > order[:-1]).all():
            return found
        values = [None] * len(rows)
        for row, value in zip(order.tolist(), found, strict=True):
            values[row] = value
        return values

    def _parts(self, place: int, rows: Numbers) -> Iterator[list[Any]]:
        """Yield the values in *rows*, which are in order, batch by batch."""
        numbers = np.searchsorted(self._ends, rows, side="right")
        for own in np.split(np.arange(len(rows)), np.flatnonzero(np.diff(numbers)) + 1):
            if len(own):
                number = numbers[own[0]]
                batch = self._batches[number]
                local = rows[own] - (self._ends[number] - batch.num_rows)
                array = batch.column(place)
                is_run = (np.diff(local) == 1).all()
                taken = array.slice(int(local[0]), len(local)) if is_run else array.take(pa.array(local))
                yield _values(taken, batch.schema.field(place).metadata == _AS_JSON)


class _StoredColumn(Lazy[Any]):
    def __init__(self, rows: StoredRows, place: int) -> None:
        self._rows = rows
        self._place = place
        self.piece = _piece(rows.size(place), len(rows))

    def __len__(self) -> int:
        return len(self._rows)

    def take(self, rows: Numbers) -> Sequence[Any]:
        return self._rows.values(self._place, rows)


def _piece(size: int, rows: int) -> int:
    return max(1, min(_MOST_ROWS, _PIECE * rows // max(1, size)))


def _batch(content: mmap.mmap, start: int, size: int) -> pa.RecordBatch:
    with pa.ipc.open_stream(pa.py_buffer(memoryview(content)[start : start + size])) as stream:
        return stream.read_next_batch()


def _stored(name: str, values: Sequence[Any]) -> tuple[pa.Field, pa.Array]:
    try:
        array = _typed(values)
    except (pa.ArrowException, OverflowError, UnicodeError):  # more than 64 bits, or half of a surrogate pair
        array = None
    if array is not None:
        return pa.field(name, array.type), array
    texts = [None if value is None else json.dumps(value) for value in values]
    return pa.field(name, pa.string(), metadata=_AS_JSON), pa.array(texts, pa.string())


def _typed(values: Sequence[Any]) -> pa.Array | None:
    """Return *values* in the one type that holds all of them, or None."""
    kinds = set(map(type, values)) - {type(None)}
    if not kinds:
        return pa.nulls(len(values))
    if kinds == {list}:
        items = set(map(type, chain.from_iterable(filter(None, values)))) - {type(None)}
        known = _TYPES.get(items.pop()) if len(items) == 1 else None
        return None if known is None else pa.array(values, pa.list_(known))
    known = _TYPES.get(kinds.pop()) if len(kinds) == 1 else None
    return None if known is None else pa.array(values, known)


def _values(array: pa.Array, as_json: bool) -> list[Any]:
    if as_json:
        texts = ["null" if text is None else text for text in array.to_pylist()]
        values: list[Any] = json.loads(f"[{','.join(texts)}]")
        return values
    if pa.types.is_list(array.type) and not array.null_count:
        flat = _values(array.flatten(), as_json=False)
        ends = np.cumsum(array.value_lengths().to_numpy(zero_copy_only=False)).tolist()
        return [flat[start:end] for start, end in zip([0, *ends], ends, strict=False)]
    if array.null_count or not pa.types.is_primitive(array.type):
        return list(array.to_pylist())
    return list(array.to_numpy(zero_copy_only=False).tolist())
