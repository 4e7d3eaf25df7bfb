"""Putting a version where TensorFlow Serving looks: whole or not at all, under the next number."""

import os
import shutil
import uuid
from collections.abc import Callable
from pathlib import Path


def publish(models_dir: Path, name: str, write: Callable[[Path], None]) -> Path:
    """Have *write* fill a folder aside, then rename it to `<models_dir>/<name>/<next version>`; give that path.

    TensorFlow Serving takes a numbered folder as soon as it is there, so it must be complete by then. If *write*
    raises, nothing is published.
    """
    staged = models_dir / ".staging" / f"{name}-{uuid.uuid4().hex}"
    staged.parent.mkdir(parents=True, exist_ok=True)
    try:
        write(staged)
        _sync(staged)
        return _rename_to_next(staged, models_dir / name)
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def versions(models_dir: Path, name: str) -> list[int]:
    """List the published versions of a model, ascending."""
    folder = models_dir / name
    return sorted(int(entry.name) for entry in folder.iterdir() if entry.name.isdecimal()) if folder.is_dir() else []


def _rename_to_next(staged: Path, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    while True:
        target = folder / str(max(versions(folder.parent, folder.name), default=0) + 1)
        try:
            staged.rename(target)
        except OSError:
            if not target.exists():
                raise
            continue  # another job has just taken this number
        _sync_folder(folder)
        return target


def _sync(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        _sync_folder(path)


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
