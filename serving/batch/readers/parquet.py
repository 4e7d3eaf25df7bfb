"""Row groups of Parquet files, a record batch at a time."""

from collections.abc import Iterator, Sequence
from typing import Any

from serving.batch.errors import BadInput
from serving.batch.extras import extra
from serving.batch.files import files_of
from serving.batch.inputs import Source
from serving.batch.readers.records import MOST_BYTES

_BATCH_ROWS = 1024
_BUFFER_BYTES = 1 << 20
"""So that the columns of a large row group come in pieces."""


class ParquetRecords:
    """The rows of one row group; *wanted* columns only."""

    def __init__(self, source: Source, wanted: Sequence[str]) -> None:
        parquet = extra("pyarrow.parquet", f"{source.name}: Parquet")
        self._source = source
        self._file = parquet.ParquetFile(files_of(source.path).open(source.path), buffer_size=_BUFFER_BYTES)
        self.columns = self._file.schema_arrow.names
        self._rows: int = self._file.metadata.row_group(source.row_group).num_rows
        self._read = 0
        self._batches = self._iterate([name for name in wanted if name in self.columns])
        self._rest: Any = None

    def take(self, count: int) -> Any:
        """Give the next rows, as a record batch."""
        batch = self._rest if self._rest is not None and len(self._rest) else next(self._batches, None)
        if batch is None:
            return ()
        while count > 1 and batch.slice(0, count).nbytes > MOST_BYTES:
            count = max(1, min(count, len(batch)) // 2)
        taken, self._rest = batch.slice(0, count), batch.slice(count)
        self._read += len(taken)
        return taken

    def skip(self, count: int) -> int:
        """Pass over the next rows; to the end without reading them."""
        left = self._rows - self._read
        if count >= left:
            self._batches, self._rest, self._read = iter(()), None, self._rows
            return left
        skipped = 0
        while skipped < count:
            skipped += len(self.take(count - skipped))
        return skipped

    def position(self) -> int:
        """Tell the share of the file that was read."""
        return self._source.size * self._read // max(self._rows, 1)

    def close(self) -> None:
        """Close the file."""
        self._file.close(force=True)

    def _iterate(self, columns: Sequence[str]) -> Iterator[Any]:
        try:
            yield from self._file.iter_batches(
                _BATCH_ROWS, row_groups=[self._source.row_group], columns=columns, use_threads=False
            )
        except (OSError, ValueError) as error:
            raise BadInput(f"{self._source.name} is damaged: {error}") from error
