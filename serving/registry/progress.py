"""How far the models are that are being trained just now, for whoever follows the models folder.

A training process holds the lock of a small file for each model that it is going to train. The system frees the lock
when the process dies, so a file that it has left behind counts for nothing.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from serving.process.durable_files import temporary_name
from serving.registry.versions import MODEL_NAME

TRAINING = ".training"
"""The folder in a models folder where unfinished jobs keep their state; TensorFlow Serving ignores it."""

MAX_SHOWN = 256
"""How many models are shown as being trained."""

_SUFFIX = ".progress"
_WAITS = "wait"
_MOST = 0.99
"""The last share before the model is published."""


class Progress:
    """Shows followers of *models_dir* that *model* waits for its training, then how far that is, until it is closed.

    There is no follower of a folder that does not exist: then nothing is written.
    """

    def __init__(self, models_dir: Path, model: str) -> None:
        self._path = models_dir / TRAINING / (model + _SUFFIX)
        self._file: int | None = None
        if models_dir.is_dir():
            with contextlib.suppress(OSError):  # the job itself tells what is wrong with the folder
                self._file = _locked_file(self._path)
                self._write(_WAITS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Show nothing any more."""
        if self._file is not None:
            with contextlib.suppress(OSError):  # another process may train the same model, and show it
                if os.path.samestat(os.fstat(self._file), self._path.stat()):
                    self._path.unlink()
            os.close(self._file)
            self._file = None

    def show(self, share: float) -> None:
        """Show that this share of the training is done, a number from 0 to 1."""
        self._write(f"{min(share, _MOST):.2f}")

    def _write(self, text: str) -> None:
        """Write a text of always the same length, so that nobody reads half of it."""
        if self._file is not None:
            with contextlib.suppress(OSError):
                os.pwrite(self._file, text.encode(), 0)


def in_training(models_dir: Path) -> dict[str, float | None]:
    """Return which models are being trained, each with the share that is done; None if it waits for its turn."""
    try:
        names = sorted(name for name in os.listdir(models_dir / TRAINING) if name.endswith(_SUFFIX))
    except OSError:  # nothing was ever trained here, or it can't be read
        return {}
    found: dict[str, float | None] = {}
    for name in names[:MAX_SHOWN]:
        model = name.removesuffix(_SUFFIX)
        with contextlib.suppress(OSError, ValueError):
            if MODEL_NAME.fullmatch(model) and (text := _text_if_locked(models_dir / TRAINING / name)):
                found[model] = None if text == _WAITS else _share(text)
    return found


def _share(text: str) -> float:
    if not 0 <= (share := float(text)) <= 1:
        raise ValueError(text)
    return share


def _locked_file(path: Path) -> int:
    """Put a new file at *path*, and return it with its lock held: that of an older one may be held by others."""
    path.parent.mkdir(exist_ok=True)
    aside = temporary_name(path)
    file = os.open(aside, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        aside.replace(path)
    except OSError:
        os.close(file)
        aside.unlink(missing_ok=True)
        raise
    return file


def _text_if_locked(path: Path) -> str:
    """Return the content of a file, or nothing if no process holds its lock."""
    with _opened(path) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return os.pread(file, len(_WAITS), 0).decode("ascii")
        return ""


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # it may be anything, even a pipe that nobody writes to
    try:
        yield descriptor
    finally:
        os.close(descriptor)
