"""Writing, the lower layer: the lock of a models folder, and a staging area that TensorFlow Serving ignores."""

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
    """Yield an empty folder on the models' file system, and delete it at the end.

    Folders of processes that died, whose locks are free, are deleted, too.
    """
    aside = models_dir / STAGING / uuid.uuid4().hex
    with contextlib.ExitStack() as held:
        with exclusive(models_dir):  # so that no other process deletes this folder before it is locked
            _clear(models_dir / STAGING)
            lock = held.enter_context(_opened(aside / "lock"))
            fcntl.flock(lock, fcntl.LOCK_EX)
        (aside / "content").mkdir()
        try:
            yield aside / "content"
        finally:
            shutil.rmtree(aside, ignore_errors=True)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[int]:
    # A file, open for writing: NFS locks neither folders nor files that are open for reading.
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _clear(folder: Path) -> None:
    for left in folder.iterdir():
        if left.is_dir():  # if it can't be locked, it is in use or another user's
            with contextlib.suppress(OSError), _opened(left / "lock") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(left, ignore_errors=True)
