"""What all readers share: records are read in order, in chunks of bounded size, or skipped."""

import itertools
import zlib
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any, BinaryIO, Protocol

from serving.batch.compression import decompressed
from serving.batch.errors import BadInput
from serving.batch.files import files_of
from serving.batch.inputs.source import Source
from serving.batch.rows import Rows

MAX_CHUNK_BYTES = 8 * 1024 * 1024
"""A chunk ends once its records have this many bytes, so that long rows take no more memory than short ones."""

MAX_ROW_BYTES = 16 * 1024 * 1024
"""A longer row is rejected without being held in memory."""


class Records(Protocol):
    """A position in a source."""

    def take(self, count: int) -> Sequence[Any]:
        """Return the next records: *count*, or fewer if they are large; none only at the end."""
        ...

    def skip(self, count: int) -> int:
        """Skip the next *count* records, and return how many there were."""
        ...

    def position(self) -> int:
        """Return roughly how many bytes of the source have been read."""
        ...

    def close(self) -> None:
        """Close the file."""
        ...


class Reader(Protocol):
    """Makes rows from records. A picklable value."""

    def read(self, records: Sequence[Any], first: int) -> Rows:
        """Read *records*, the first of which has the number *first* in its file."""
        ...


@dataclass(frozen=True)
class Opened:
    """A source that is being read; no field takes its *unused* columns."""

    records: Records
    reader: Reader
    unused: tuple[str, ...] = ()


class IteratorRecords:
    """Records from an iterator, measured by *measure* in groups of *group*; the last of *streams* is the open file."""

    def __init__(
        self,
        source: Source,
        streams: Sequence[IO[Any]],
        iterator: Iterator[Any],
        measure: Callable[[Sequence[Any]], int],
        group: int,
    ) -> None:
        self._streams = streams  # kept: a stream that is freed closes those below it
        self._iterator = _named_damage(source.name, iterator)
        self._measure = measure
        self._group = group

    def take(self, count: int) -> Sequence[Any]:
        """Return the next records."""
        taken: list[Any] = []
        size = 0
        while len(taken) < count and size < MAX_CHUNK_BYTES:
            some = list(itertools.islice(self._iterator, min(self._group, count - len(taken))))
            if not some:
                break
            taken += some
            size += self._measure(some)
        return taken

    def put_back(self, records: Sequence[Any]) -> None:
        """Put *records* back, to be taken next."""
        self._iterator = itertools.chain(records, self._iterator)

    def skip(self, count: int) -> int:
        """Skip the next records, and return how many there were."""
        numbered = zip(itertools.count(1), itertools.islice(self._iterator, count), strict=False)
        last = deque(numbered, maxlen=1)
        return int(last[0][0]) if last else 0

    def position(self) -> int:
        """Return how many bytes of the file have been read."""
        return self._streams[-1].tell()

    def close(self) -> None:
        """Close the file."""
        for stream in self._streams:
            stream.close()


@contextmanager
def open_streams(source: Source) -> Iterator[tuple[BinaryIO, BinaryIO]]:
    """Open the file of *source*: yield its decompressed stream, and the file itself.

    Both are closed only if the block raises.
    """
    file = files_of(source.path).open(source.path)
    try:
        yield decompressed(source.name, file, source.compression), file
    except BaseException:
        file.close()
        raise


def _named_damage(name: str, iterator: Iterator[Any]) -> Iterator[Any]:
    """Yield the items; raises BadInput with the file's name if it is damaged."""
    with explaining_damage(name):
        yield from iterator


@contextmanager
def explaining_damage(name: str) -> Iterator[None]:
    """Raise BadInput with the file's name if the block finds it damaged."""
    try:
        yield
    except (EOFError, ValueError, zlib.error) as error:
        raise BadInput(f"{name} is damaged: {error}") from error
    except OSError as error:
        if error.errno is None:  # raised by the decompression, not by the system
            raise BadInput(f"{name} is damaged: {error}") from error
        raise
