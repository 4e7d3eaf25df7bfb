"""Feedback on this machine's disk: lines are synced to a journal, and become a part once there are enough of them.

A journal lies where its part will, under a name that begins with a dot, and its process holds a lock on it. One that
nobody holds was left by a process that was killed: whoever finds it makes its part. So nothing that was synced is lost.
"""

import errno
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from serving.captures.parts import FEEDBACK, SUFFIX, PartName, aside_of, packed
from serving.process import durable_files

MOST_SECONDS = 10.0
"""How long lines wait for their part."""
MOST_BYTES = 4 * 1024 * 1024

_SUFFIX = ".jsonl"


class Journal:
    """The open journal of one model's feedback below *folder*. For one thread. Raises OSError."""

    def __init__(self, folder: Path, model: str) -> None:
        self._part = folder / PartName.new(model, FEEDBACK, datetime.now(UTC)).path
        self._path = self._part.with_name(f".{self._part.name.removesuffix(SUFFIX)}{_SUFFIX}")
        _make_folder(self._path.parent)
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o640)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            durable_files.sync_entry(self._path.parent)
        except OSError:
            os.close(self._file)
            raise
        self._begun = time.monotonic()
        self._size = 0

    @property
    def is_due(self) -> bool:
        """Whether to make its part."""
        return self._size >= MOST_BYTES or time.monotonic() - self._begun >= MOST_SECONDS

    def append(self, lines: bytes) -> None:
        """Write whole lines and sync them. After an error it has only those of before."""
        try:
            view = memoryview(lines)
            while view:
                view = view[os.write(self._file, view) :]
            os.fsync(self._file)
            if not os.fstat(self._file).st_nlink:  # who removed it, or its folder, took these lines as well
                raise FileNotFoundError(errno.ENOENT, "somebody has removed the journal", str(self._path))
        except OSError:
            os.ftruncate(self._file, self._size)  # a line that was cut off would spoil the next
            raise
        self._size += len(lines)

    def finish(self) -> None:
        """Make the part, and remove the journal; after an error it goes on."""
        _make_part(self._path, self._part)
        self.abandon()

    def abandon(self) -> None:
        """Leave it, if it is still there, to whoever finds it."""
        os.close(self._file)


def recover(folder: Path) -> int:
    """Make parts of journals below *folder* that nobody holds, and return how many; raises OSError."""
    return sum(_recovered(path) for path in sorted(folder.glob(f"*/{FEEDBACK}/*/.*{_SUFFIX}")))


def _recovered(path: Path) -> bool:
    try:
        file = os.open(path, os.O_RDWR)
    except FileNotFoundError:  # its own process was just done with it
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        part = path.with_name(path.name.removeprefix(".").removesuffix(_SUFFIX) + SUFFIX)
        return _make_part(path, part)
    except BlockingIOError:
        return False
    finally:
        os.close(file)


def _make_part(journal: Path, part: Path) -> bool:
    """Write the whole lines of *journal* as *part*, and remove it. Return whether there were any.

    To do it twice, as after a crash in the middle, changes nothing.
    """
    with suppress(FileNotFoundError):
        data = journal.read_bytes()
        whole = data[: data.rfind(b"\n") + 1]
        if whole:
            durable_files.replace_by(aside_of(part), part, lambda file: file.write(packed(whole)))
        journal.unlink()
        return bool(whole)
    return False


def _make_folder(folder: Path) -> None:
    """Make *folder* with its parents, each synced: a file in it is not durable before."""
    for parent in _missing(folder):
        parent.mkdir(mode=0o750, exist_ok=True)
        durable_files.sync_entry(parent.parent)


def _missing(folder: Path) -> Iterator[Path]:
    if not folder.is_dir():
        yield from _missing(folder.parent)
        yield folder
