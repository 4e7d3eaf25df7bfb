"""Writing, the part below: the lock of a models folder, and room aside where TensorFlow Serving does not look."""

import contextlib
import fcntl
import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

STAGING = ".staging"


@contextlib.contextmanager
def exclusive(models_dir: Path) -> Iterator[None]:
    """Hold the lock of *models_dir*; wait for it. Not reentrant. The system frees it when the process dies."""
    with _opened(models_dir / STAGING / "lock") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def staging(models_dir: Path) -> Iterator[Path]:
    """Give an empty folder on the models' file system, and delete what is in it at the end.

    Also deletes what processes have left that died: their folders' locks are free.
    """
    aside = models_dir / STAGING / uuid.uuid4().hex
    with contextlib.ExitStack() as held:
        with exclusive(models_dir):  # so that no other clears this folder away before it is locked
            _clear(models_dir / STAGING)
            lock = held.enter_context(_opened(aside / "lock"))
            fcntl.flock(lock, fcntl.LOCK_EX)
        (aside / "content").mkdir()
        try:
            yield aside / "content"
        finally:
            shutil.rmtree(aside, ignore_errors=True)


def sync(folder: Path) -> None:
    """Write *folder* and all in it through to the disc."""
    for path in (folder, *folder.rglob("*")):
        sync_entry(path)


def sync_entry(path: Path) -> None:
    """Write one file, or the names in one folder, through to the disc."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[int]:
    # A file, open for writing: NFS locks no folder, and nothing that is only read.
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _clear(folder: Path) -> None:
    for left in folder.iterdir():
        if left.is_dir():  # in use, or another user's, if it can't be locked
            with contextlib.suppress(OSError), _opened(left / "lock") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(left, ignore_errors=True)
