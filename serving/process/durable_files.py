"""Files and folders that are synced to the disk, so that they survive a power failure."""

import os
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

Write = Callable[[BinaryIO], object]


def replace(path: Path, write: Write) -> None:
    """Put what *write* writes at *path*, replacing what was there; readers see the old content or the new one."""
    aside = write_aside(path, write)
    aside.replace(path)
    sync_entry(path.parent)


def write_aside(path: Path, write: Write) -> Path:
    """Return a new, synced file next to *path* with what *write* writes, to be renamed; it is deleted on an error."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f"{path.name}.{uuid.uuid4().hex[:8]}.tmp")
    try:
        with aside.open("wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
    return aside


def sync(folder: Path) -> None:
    """Sync *folder* and everything in it to the disk."""
    for path in (folder, *folder.rglob("*")):
        sync_entry(path)


def sync_entry(path: Path) -> None:
    """Sync one file, or the names in one folder, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
