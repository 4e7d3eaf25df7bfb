"""Row groups of Parquet files, one record batch at a time."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import repeat
from typing import Any

import orjson

from serving.batch.arrow.instances import Unfit, instance_values
from serving.batch.arrow.kept_rows import KeptBatch
from serving.batch.arrow.pages import Pages
from serving.batch.arrow.parquet_files import open_parquet
from serving.batch.arrow.plain_values import plain
from serving.batch.extras import extra
from serving.batch.files import files_of
from serving.batch.inputs.source import Source
from serving.batch.readers.column_check import check_columns
from serving.batch.readers.records import MAX_CHUNK_BYTES, Opened
from serving.batch.rows import Columns, Rows, UnreadableRow, row_id


def row_groups(whole: Source) -> list[Source]:
    """Divide a file into its row groups; one without any is still opened, for its columns. Raises BadInput."""
    with files_of(whole.path).open(whole.path) as file:
        metadata = open_parquet(whole.name, file).metadata
    sources, before = [], 0
    for group in range(metadata.num_row_groups):
        rows = metadata.row_group(group).num_rows
        share = whole.size * rows // max(metadata.num_rows, 1)
        sources.append(replace(whole, compression="", size=share, row_group=group, before=before))
        before += rows
    return sources or [replace(whole, compression="")]


def parquet_records(source: Source, columns: Columns) -> Opened:
    """Open a row group; raises BadInput if the file lacks a column."""
    records = ParquetRecords(source, columns.names)
    with ExitStack() as on_error:
        on_error.callback(records.close)
        unused = check_columns(source.name, records.columns, columns)
        on_error.pop_all()
    return Opened(records, ParquetReader(source.name, columns), unused)


class ParquetRecords:
    """The *wanted* columns of one row group. Columns in the file's path come last."""

    def __init__(self, source: Source, wanted: Sequence[str]) -> None:
        self._source = source
        self.pages = Pages(source.name, source.path, source.row_group)
        there = self.pages.columns
        self._keys = {name: value for name, value in source.keys.items() if name not in there}
        self.columns = [*there, *self._keys]
        self._rows = self.pages.rows
        self._read = 0
        self._batches = self._iterate([name for name in wanted if name in self.columns])
        self._rest: Any = None

    def take(self, count: int) -> Any:
        """Return the next rows as a record batch."""
        batch = self._rest if self._rest is not None and len(self._rest) else next(self._batches, None)
        if batch is None:
            return ()
        while count > 1 and batch.slice(0, count).nbytes > MAX_CHUNK_BYTES:
            count = max(1, min(count, len(batch)) // 2)
        taken, self._rest = batch.slice(0, count), batch.slice(count)
        self._read += len(taken)
        return taken

    def skip(self, count: int) -> int:
        """Skip the next rows, and return how many there were; skipping to the end reads nothing."""
        left = self._rows - self._read
        if count >= left:
            self._batches, self._rest, self._read = iter(()), None, self._rows
            return left
        skipped = 0
        while skipped < count:
            skipped += len(self.take(count - skipped))
        return skipped

    def position(self) -> int:
        """Return the source's size times the share of the rows read so far."""
        return self._source.size * self._read // max(self._rows, 1)

    def close(self) -> None:
        """Close the file."""
        self.pages.close()

    def _iterate(self, wanted: Sequence[str]) -> Iterator[Any]:
        for batch in self.pages.batches([name for name in wanted if name not in self._keys]):
            yield self._with_keys(batch, wanted)

    def _with_keys(self, batch: Any, wanted: Sequence[str]) -> Any:
        arrow = extra("pyarrow", "Parquet")
        for name in wanted:
            if name in self._keys:
                value = self._keys[name]
                kind = arrow.int32() if isinstance(value, int) else arrow.string()
                batch = batch.append_column(name, arrow.array([value] * len(batch), kind))
        return batch


@dataclass(frozen=True)
class ParquetReader:
    """Record batches -> rows."""

    name: str
    columns: Columns

    def read(self, records: Any, first: int) -> Rows:
        """Read a record batch, or nothing."""
        rows = Rows()
        if not len(records):
            return rows
        there = set(records.schema.names)
        fields = {name: column for name, column in self.columns.fields.items() if column in there}
        values = [instance_values(name, records.column(column), self.columns) for name, column in fields.items()]
        instances = zip(*values, strict=True) if values else repeat(())
        keep = list(self.columns.keep)
        kept: Iterable[Sequence[Any]] = KeptBatch(records.select(keep)) if keep else repeat(())
        id_column = self.columns.id_column
        ids = plain(records.column(id_column)) if id_column else repeat(None)
        numbers = range(first, first + len(records))
        for number, identity, instance, passing in zip(numbers, ids, instances, kept, strict=False):  # some are endless
            try:
                _check(instance)
                called = row_id(self.name, number, _as_text(identity), id_column)
                rows.add(number, called, dict(zip(fields, instance, strict=True)), passing)
            except UnreadableRow as error:
                rows.rejects.append((number, str(error)))
        return rows


def _as_text(identity: Any) -> Any:
    return orjson.dumps(identity).decode() if isinstance(identity, list | dict) else identity


def _check(instance: Sequence[Any]) -> None:
    for value in instance:
        if type(value) is Unfit:
            raise UnreadableRow(value.reason)
