"""Reads some of the newest captures and feedback, within a budget; what is too long or damaged is left out."""

import gzip
import time
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from serving.captures.parts import PartName
from serving.captures.reader import files_of

MOST_LINE_BYTES = 256 * 1024
MOST_DAYS = 30


class Budget:
    """At most so many seconds from now on, and so many bytes, as they are once they are unpacked."""

    def __init__(self, seconds: float, most_bytes: int) -> None:
        self._until = time.monotonic() + seconds
        self._bytes = most_bytes

    def take(self, count: int) -> None:
        """Count bytes that were read."""
        self._bytes -= count

    @property
    def is_spent(self) -> bool:
        """Whether nothing more should be read."""
        return self._bytes < 0 or time.monotonic() >= self._until


class Skimmer:
    """Reads lines of *model* and *kind* at *place*, those of the newest part first, as far as *budget* allows.

    *since* is the time of the oldest part that was read, *damaged* the number of those that could not be to their end,
    to which users of the lines add, and *is_complete* whether there was nothing more within MOST_DAYS.
    """

    def __init__(self, place: str, model: str, kind: str, budget: Budget) -> None:
        self._files = files_of(place)
        self._folder = f"{place.rstrip('/')}/{model}/{kind}"
        self._budget = budget
        self.since: datetime | None = None
        self.damaged = 0
        self.is_complete = False

    def lines(self, now: datetime) -> Iterator[bytes]:
        """Yield whole lines; raises OSError or a store's own error if the parts can't be listed."""
        for path, name in self._parts(now):
            self.since = name.time
            try:
                yield from self._lines(path)
            except FileNotFoundError:  # it was too old, and removed meanwhile
                continue
            except (OSError, EOFError, zlib.error):
                self.damaged += 1
            if self._budget.is_spent:
                return
        self.is_complete = not self._budget.is_spent

    def _parts(self, now: datetime) -> Iterator[tuple[str, PartName]]:
        """Yield the parts day by day: all of a month are more than should be listed to read some."""
        for days in range(MOST_DAYS + 1):
            if self._budget.is_spent:
                return
            day = f"{self._folder}/{(now - timedelta(days=days)).astimezone(UTC):%Y-%m-%d}"
            try:
                found = [(path, name) for path in self._files.below(day) if (name := PartName.of(path))]
            except FileNotFoundError:
                continue
            yield from sorted(found, key=lambda part: (part[1].time, part[0]), reverse=True)

    def _lines(self, path: str) -> Iterator[bytes]:
        if self._files.is_special(path):  # a pipe would be waited for
            raise OSError(f"{path}: expected a file")
        with self._files.open(path) as file, gzip.GzipFile(fileobj=file) as stream:
            is_start = True
            while not self._budget.is_spent and (line := stream.readline(MOST_LINE_BYTES)):
                self._budget.take(len(line))
                is_end = line.endswith(b"\n")
                if is_start and is_end:
                    yield line
                is_start = is_end  # what is left of a line that is too long is no line
