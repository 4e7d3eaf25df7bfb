"""Files and folders that are synced to the disk, so that they survive a power failure."""

import os
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

Write = Callable[[BinaryIO], object]


def replace(path: Path, write: Write) -> None:
    """Put what *write* writes at *path*, replacing what was there; readers see the old content or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_by(temporary_name(path), path, write)


def replace_by(aside: Path, path: Path, write: Write) -> None:
    """Do as `replace` by way of the file *aside*, whose name no other process may use at the same time."""
    write_synced(aside, write)
    aside.replace(path)
    sync_entry(path.parent)


def temporary_name(path: Path) -> Path:
    """Return an unused name in the folder of *path*."""
    return path.with_name(f"{path.name}.{uuid.uuid4().hex[:8]}.tmp")


def write_synced(path: Path, write: Write) -> None:
    """Write a file and sync it to the disk; delete it if that fails."""
    with path.open("wb") as file:
        try:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        except BaseException:
            path.unlink(missing_ok=True)
            raise


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
