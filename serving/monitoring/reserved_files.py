"""The files of a worker's metrics, on a disk that may be full.

prometheus_client makes its files longer without writing to them, and maps them into memory. On a full disk the first
write to such memory ends the process (SIGBUS), whatever it was answering. Here the disk's blocks are reserved before
they are mapped. Series for which there is no room stay in this process's memory, and are written once there is.
"""

import logging
import mmap
import time
from pathlib import Path
from typing import ClassVar

from prometheus_client import values
from prometheus_client.mmap_dict import MmapedDict, _pack_two_doubles

_FIRST_BYTES = 1 << 16
_RETRY_SECONDS = 10.0

_log = logging.getLogger(__name__)


class ReservedFile(MmapedDict):
    """prometheus_client's dict of doubles by key in a file, with those that the file has no room for in memory."""

    opened: ClassVar[set["ReservedFile"]] = set()
    """Those of this process."""

    def __init__(self, filename: str) -> None:
        self.unwritten: dict[str, tuple[float, float]] = {}
        self._path = Path(filename)
        self._positions: dict[str, int] = {}
        self._f = self._m = None  # type: ignore[assignment]
        self._retry_at = 0.0
        self._is_told = False
        self.opened.add(self)

    def read_value(self, key: str) -> tuple[float, float]:
        """Return a series' value and timestamp."""
        if self._has_place(key):
            value: tuple[float, float] = super().read_value(key)  # type: ignore[no-untyped-call]
            return value
        return self.unwritten.setdefault(key, (0.0, 0.0))

    def write_value(self, key: str, value: float, timestamp: float) -> None:
        """Set a series' value and timestamp."""
        if (place := self._positions.get(key)) is not None:  # it is, but for a new series
            _pack_two_doubles(self._m, place, value, timestamp)  # type: ignore[no-untyped-call]
            if self.unwritten:
                self.unwritten.pop(key, None)
        elif self._has_place(key):
            super().write_value(key, value, timestamp)  # type: ignore[no-untyped-call]
            self.unwritten.pop(key, None)
        else:
            self.unwritten[key] = value, timestamp

    def close(self) -> None:
        """Close the file; what is only in memory is lost."""
        self.opened.discard(self)
        super().close()  # type: ignore[no-untyped-call]

    def _has_place(self, key: str) -> bool:
        if key in self._positions:
            return True
        if time.monotonic() < self._retry_at:
            return False
        try:
            self._reserve(key)
        except OSError as error:
            self._retry_at = time.monotonic() + _RETRY_SECONDS
            self._tell(error)
            return False
        return True

    def _reserve(self, key: str) -> None:
        if self._f is None:
            self._path.parent.mkdir(mode=0o700, exist_ok=True)  # it may be missing since there was no room for it
            _lengthen(self._path, _FIRST_BYTES)
            super().__init__(str(self._path))
        wanted = self._capacity
        while self._used + len(key.encode()) + 32 > wanted:  # as much as an entry can take
            wanted *= 2
        _lengthen(self._path, wanted)
        if wanted > self._capacity:
            self._m = mmap.mmap(self._f.fileno(), wanted)
            self._capacity = wanted

    def _tell(self, error: OSError) -> None:
        if not self._is_told:
            self._is_told = True
            _log.error(
                "%s: %s; the metrics that it has no room for are missing until there is", self._path, error.strerror
            )


def use_reserved_files() -> None:
    """Let prometheus_client keep the values of this process in such files."""
    values.MmapedDict = ReservedFile  # type: ignore[assignment, attr-defined]


def _lengthen(path: Path, size: int) -> None:
    """Make a file that long, if it is shorter, by zeros; raise OSError if there is no room, and leave it as it was."""
    with path.open("ab", buffering=0) as file:
        before = file.tell()
        try:
            while (missing := size - file.tell()) > 0:
                file.write(bytes(missing))
        except OSError:
            file.truncate(before)
            raise
