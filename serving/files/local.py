"""Files on this machine."""

import contextlib
import glob
import hashlib
import os
import shutil
import stat
from pathlib import Path
from typing import BinaryIO

from serving.files.files import Write
from serving.process import durable_files


class LocalFiles:
    """Files on this machine, synced to the disk."""

    def glob(self, pattern: str) -> list[str]:
        """Return the matches, sorted."""
        return sorted(glob.glob(pattern, recursive=True)) or ([pattern] if os.path.exists(pattern) else [])

    def is_folder(self, path: str) -> bool:
        """Return whether *path* is a folder."""
        return os.path.isdir(path)

    def is_pipe(self, path: str) -> bool:
        """Return whether *path* is a pipe, such as a shell's `<(...)`."""
        return os.path.exists(path) and stat.S_ISFIFO(os.stat(path).st_mode)

    def is_special(self, path: str) -> bool:
        """Return whether *path* is something else than a file or a folder."""
        return os.path.exists(path) and not (os.path.isfile(path) or os.path.isdir(path))

    def stamp(self, path: str) -> object:
        """Return the size and the time of the last change."""
        status = os.stat(path)
        return status.st_size, status.st_mtime_ns

    def below(self, folder: str) -> list[str]:
        """List the files in *folder*, at any depth, sorted."""
        walk = os.walk(folder, onerror=_raise)  # by default it skips folders that it may not read
        return sorted(os.path.join(parent, name) for parent, _, names in walk for name in names)

    def sizes_below(self, folder: str) -> dict[str, int]:
        """Return the sizes of the files in *folder*; one that is removed meanwhile is left out."""
        sizes = {}
        for path in self.below(folder):
            with contextlib.suppress(FileNotFoundError):
                sizes[path] = os.path.getsize(path)
        return sizes

    def open(self, path: str) -> BinaryIO:
        """Open for reading."""
        return open(path, "rb")

    def size(self, path: str) -> int:
        """Return the size in bytes."""
        return os.path.getsize(path)

    def fingerprint(self, path: str) -> str:
        """Return the content's SHA-256."""
        with open(path, "rb") as file:
            return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"

    def exists(self, path: str) -> bool:
        """Return whether there is a file."""
        return os.path.isfile(path)

    def put(self, path: str, write: Write) -> None:
        """Write to a temporary file, sync it to the disk, and rename it."""
        durable_files.replace(Path(path), write)

    def create(self, path: str, content: bytes) -> None:
        """Write to a temporary file, and give it the name unless that is taken."""
        aside = durable_files.temporary_name(Path(path))
        aside.parent.mkdir(parents=True, exist_ok=True)
        durable_files.write_synced(aside, lambda file: file.write(content))
        try:
            os.link(aside, path)
        finally:
            aside.unlink()
        durable_files.sync_entry(Path(path).parent)

    def remove(self, path: str) -> None:
        """Delete a file, or a folder with its content."""
        if os.path.isdir(path):
            shutil.rmtree(path)
        else:
            Path(path).unlink(missing_ok=True)


def _raise(error: OSError) -> None:
    raise error
