"""Files on this machine and, through fsspec, in object stores: the few things that scoring asks of both.

What is written appears under its name at once and whole: by a rename here, by the upload's own end in a store.
"""

import contextlib
import glob
import hashlib
import os
import shutil
import stat
import tempfile
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Protocol, cast

from serving.batch.errors import BadInput
from serving.batch.extras import extra

Write = Callable[[BinaryIO], None]


class Files(Protocol):
    """Paths are text, as the user gives them. Raises OSError."""

    def glob(self, pattern: str) -> list[str]:
        """Give what matches, sorted; a path without magic matches itself if it is there."""
        ...

    def is_folder(self, path: str) -> bool:
        """Tell whether *path* is a folder."""
        ...

    def is_pipe(self, path: str) -> bool:
        """Return whether *path* is a pipe, which can be read but once."""
        ...

    def stamp(self, path: str) -> object:
        """Return what is another value once the file has changed, without reading it."""
        ...

    def below(self, folder: str) -> list[str]:
        """List the files in *folder*, at any depth, sorted."""
        ...

    def open(self, path: str) -> BinaryIO:
        """Open for reading."""
        ...

    def size(self, path: str) -> int:
        """Give the size in bytes."""
        ...

    def fingerprint(self, path: str) -> str:
        """Give what is another text if the content is another."""
        ...

    def exists(self, path: str) -> bool:
        """Tell whether there is a file."""
        ...

    def put(self, path: str, write: Write) -> None:
        """Let *write* make the content, and put it at *path* whole, in place of what was there."""
        ...

    def create(self, path: str, content: bytes) -> None:
        """Put *content* at *path*, unless something is there: raises FileExistsError."""
        ...

    def remove(self, path: str) -> None:
        """Delete a file, or a folder with all in it, if it is there."""
        ...


class LocalFiles:
    """Files on this machine, written through to the disc."""

    def glob(self, pattern: str) -> list[str]:
        """Give what matches, sorted."""
        return sorted(glob.glob(pattern, recursive=True)) or ([pattern] if os.path.exists(pattern) else [])

    def is_folder(self, path: str) -> bool:
        """Tell whether *path* is a folder."""
        return os.path.isdir(path)

    def is_pipe(self, path: str) -> bool:
        """Return whether *path* is a pipe, such as a shell's `<(...)`."""
        return os.path.exists(path) and stat.S_ISFIFO(os.stat(path).st_mode)

    def stamp(self, path: str) -> object:
        """Return size and time of the last change."""
        status = os.stat(path)
        return status.st_size, status.st_mtime_ns

    def below(self, folder: str) -> list[str]:
        """List the files in *folder*, at any depth, sorted."""
        walk = os.walk(folder, onerror=_raise)  # which else would pass over what it may not read
        return sorted(os.path.join(parent, name) for parent, _, names in walk for name in names)

    def open(self, path: str) -> BinaryIO:
        """Open for reading."""
        return open(path, "rb")

    def size(self, path: str) -> int:
        """Give the size in bytes."""
        return os.path.getsize(path)

    def fingerprint(self, path: str) -> str:
        """Give the content's SHA-256."""
        with open(path, "rb") as file:
            return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"

    def exists(self, path: str) -> bool:
        """Tell whether there is a file."""
        return os.path.isfile(path)

    def put(self, path: str, write: Write) -> None:
        """Write aside, through to the disc, and rename."""
        aside = self._write_aside(path, write)
        os.replace(aside, path)
        _sync(os.path.dirname(path))

    def create(self, path: str, content: bytes) -> None:
        """Write aside, and give the file its name unless that is taken."""
        aside = self._write_aside(path, lambda file: _write_all(file, content))
        try:
            os.link(aside, path)
        finally:
            os.unlink(aside)
        _sync(os.path.dirname(path))

    def remove(self, path: str) -> None:
        """Delete a file, or a folder with all in it."""
        if os.path.isdir(path):
            shutil.rmtree(path)
        else:
            Path(path).unlink(missing_ok=True)

    def _write_aside(self, path: str, write: Write) -> str:
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        aside = f"{path}.{uuid.uuid4().hex[:8]}.tmp"
        try:
            with open(aside, "wb") as file:
                write(file)
                file.flush()
                os.fsync(file.fileno())
        except BaseException:
            Path(aside).unlink(missing_ok=True)
            raise
        return aside


@dataclass(frozen=True)
class RemoteFiles:
    """Files in an object store."""

    store: Any = field(repr=False)

    def glob(self, pattern: str) -> list[str]:
        """Give what matches, sorted."""
        return sorted(map(self._named, self.store.glob(pattern)))

    def is_folder(self, path: str) -> bool:
        """Tell whether *path* is a folder."""
        return bool(self.store.isdir(path))

    def is_pipe(self, path: str) -> bool:
        """Return False: a store has none."""
        return False

    def stamp(self, path: str) -> object:
        """Return the store's own mark."""
        self.store.invalidate_cache()
        return self.store.ukey(path)

    def below(self, folder: str) -> list[str]:
        """List the files in *folder*, at any depth, sorted."""
        return sorted(map(self._named, self.store.find(folder)))

    def open(self, path: str) -> BinaryIO:
        """Open for reading."""
        return cast(BinaryIO, self.store.open(path, "rb"))

    def size(self, path: str) -> int:
        """Give the size in bytes."""
        return int(self.store.size(path))

    def fingerprint(self, path: str) -> str:
        """Give what the store itself tells versions of a file apart by, such as an ETag."""
        return f"store:{self.store.ukey(path)}"

    def exists(self, path: str) -> bool:
        """Tell whether there is a file."""
        return bool(self.store.isfile(path))

    def put(self, path: str, write: Write) -> None:
        """Write on this machine, and upload."""
        self.store.invalidate_cache()
        with tempfile.NamedTemporaryFile(prefix="plumbline-") as file:
            write(cast(BinaryIO, file))
            file.flush()
            self.store.put_file(file.name, path)

    def create(self, path: str, content: bytes) -> None:
        """Upload unless the name is taken, as far as the store can tell."""
        self.store.invalidate_cache()
        if self.store.exists(path):
            raise FileExistsError(path)
        self.store.pipe_file(path, content)

    def remove(self, path: str) -> None:
        """Delete a file, or a folder with all in it."""
        with contextlib.suppress(FileNotFoundError):
            self.store.rm(path, recursive=True)

    def _named(self, path: str) -> str:
        return str(self.store.unstrip_protocol(path))


def files_of(path: str) -> Files:
    """Give the files that *path* is one of; raises BadInput if its store can't be reached from here."""
    scheme, separator, _ = path.partition("://")
    if not separator:
        return LocalFiles()
    fsspec = extra("fsspec", f"{scheme}://")
    try:
        return RemoteFiles(fsspec.filesystem(scheme))
    except (ImportError, ValueError) as error:
        raise BadInput(f"{path}: {error}") from error


def _sync(folder: str) -> None:
    descriptor = os.open(folder or ".", os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _raise(error: OSError) -> None:
    raise error


def _write_all(file: BinaryIO, content: bytes) -> None:
    file.write(content)
