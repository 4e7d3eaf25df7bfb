"""A part that is being written: under a name that readers ignore, and locked as long as its process lives."""

import fcntl
import os
import time
import zlib
from contextlib import suppress
from pathlib import Path

from isal import isal_zlib

from serving.captures.parts import LEVEL, PartName, aside_of, packed
from serving.process import durable_files
from serving.process.durable_files import sync_entry

_GZIP = 31
"""zlib's window bits for a gzip stream."""
HALF = ".tmp"
"""Ends the name of a part that is being completed."""


class OpenPart:
    """The part called *name* below *folder*. All methods raise OSError.

    After one there is nothing but to `leave` it: what was added before stays whole.
    """

    def __init__(self, folder: Path, name: PartName) -> None:
        self.path = folder / name.path
        self.path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        self._aside = aside_of(self.path)
        self.begun = time.monotonic()
        self.size = 0
        self.lines = 0
        self._file = os.open(self._aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self.leave()
            raise
        # The standard library's zlib takes four times as long for a text, which is 2 % of an answer's processor time.
        self._packer = isal_zlib.compressobj(LEVEL, zlib.DEFLATED, _GZIP)

    def add(self, lines: bytes | bytearray, count: int) -> None:
        """Add *count* lines, each with its end, so that they can be read even if this process is killed."""
        self._write(self._packer.compress(lines) + self._packer.flush(zlib.Z_SYNC_FLUSH))
        self.lines += count

    def close(self) -> None:
        """Give the part its name, once it is on the disk."""
        self._write(self._packer.flush(zlib.Z_FINISH))
        os.fsync(self._file)
        self._aside.rename(self.path)
        sync_entry(self.path.parent)
        os.close(self._file)

    def leave(self) -> None:
        """Leave what was added to `completed`, as a killed process does; if nothing was, remove the part."""
        with suppress(OSError):
            os.ftruncate(self._file, self.size)
        if not self.lines:
            with suppress(OSError):
                self._aside.unlink(missing_ok=True)
        os.close(self._file)

    def _write(self, data: bytes) -> None:
        at = self.size
        while data:
            written = os.pwrite(self._file, data, at)
            at, data = at + written, data[written:]
        self.size = at


def completed(path: Path) -> Path | None:
    """Complete the part of a killed process by the lines that are whole in it, if there are any; raises OSError.

    Return None if it has none, or if its process still writes it.
    """
    with path.open("r+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return None
        lines = _whole_lines(file.read())
        whole = path.with_name(path.name.removeprefix("."))
        if lines:
            data = packed(lines)
            durable_files.replace_by(path.with_name(f"{path.name}{HALF}"), whole, lambda half: half.write(data))
        path.unlink()
        return whole if lines else None


def _whole_lines(data: bytes) -> bytes:
    unpacker, unpacked = zlib.decompressobj(_GZIP), b""
    with suppress(zlib.error):
        unpacked = unpacker.decompress(data)
    return unpacked[: unpacked.rfind(b"\n") + 1]
