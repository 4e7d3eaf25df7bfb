"""Space on disk for what would not fit into memory: files without a name, which no end of a job can leave behind.

They are mapped into memory: what is read of them is a copy that the system takes back when it needs the memory.
"""

import mmap
import os
import tempfile
from functools import cache
from pathlib import Path
from typing import IO

import click

from serving.process.exit_codes import ExitCode
from training.errors import TrainingError

FOLDER = "PLUMBLINE_CACHE"
"""Environment variable with the folder for these files."""
_USUAL = Path("/var/tmp")  # noqa: S108 - /tmp is often in memory; and files without a name can't be anticipated


class CacheUnavailable(TrainingError):
    """The folder for what does not fit into memory can't be written to, or its disk is full."""

    exit_code = ExitCode.RETRY

    def __init__(self, cause: OSError, size: int = 0) -> None:
        needed = f"{size / 1e6:,.0f} MB of " if size else ""
        super().__init__(
            f"can't keep {needed}data that may not fit into memory in {folder()}: {cause.strerror or cause}; set "
            f"{FOLDER} to a folder on a disk with more space"
        )


def folder() -> Path:
    """Return the folder of FOLDER, or of TMPDIR, else one that is on a disk where there is such."""
    if named := os.environ.get(FOLDER) or os.environ.get("TMPDIR"):
        return Path(named)
    return _USUAL if os.access(_USUAL, os.W_OK) else Path(tempfile.gettempdir())


def new_file() -> IO[bytes]:
    """Return an empty file without a name. Raises CacheUnavailable."""
    try:
        return tempfile.TemporaryFile(dir=folder())
    except OSError as error:
        raise CacheUnavailable(error) from error


def new_memory(size: int) -> mmap.mmap:
    """Return memory that is in a file, all of whose space is there: a full disk can't end the job later.

    Raises CacheUnavailable.
    """
    _tell()
    with new_file() as file:
        try:
            os.posix_fallocate(file.fileno(), 0, size)
            return mmap.mmap(file.fileno(), size)
        except OSError as error:
            raise CacheUnavailable(error, size) from error


@cache
def _tell() -> None:
    click.echo(f"  features that may not fit into memory are in {folder()} until the job ends")
