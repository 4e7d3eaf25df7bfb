"""Files in object stores, through fsspec."""

import contextlib
import tempfile
from dataclasses import dataclass, field
from typing import Any, BinaryIO, cast

from serving.files.files import Write


@dataclass(frozen=True)
class RemoteFiles:
    """Files in an object store."""

    store: Any = field(repr=False)

    def glob(self, pattern: str) -> list[str]:
        """Return the matches, sorted."""
        return sorted(map(self._named, self.store.glob(pattern)))

    def is_folder(self, path: str) -> bool:
        """Return whether *path* is a folder."""
        return bool(self.store.isdir(path))

    def is_pipe(self, path: str) -> bool:
        """Return False: a store has none."""
        return False

    def is_special(self, path: str) -> bool:
        """Return False: a store has none."""
        return False

    def stamp(self, path: str) -> object:
        """Return the store's own mark."""
        self.store.invalidate_cache()
        return self.store.ukey(path)

    def below(self, folder: str) -> list[str]:
        """List the files in *folder*, at any depth, sorted."""
        self.store.invalidate_cache()  # what was listed once is remembered until the process ends
        return sorted(map(self._named, self.store.find(folder)))

    def sizes_below(self, folder: str) -> dict[str, int]:
        """Return the sizes of the files in *folder*, by one listing."""
        self.store.invalidate_cache()
        found = self.store.find(folder, detail=True)
        return {self._named(path): int(facts["size"] or 0) for path, facts in sorted(found.items())}

    def open(self, path: str) -> BinaryIO:
        """Open for reading."""
        return cast(BinaryIO, self.store.open(path, "rb"))

    def size(self, path: str) -> int:
        """Return the size in bytes."""
        return int(self.store.size(path))

    def fingerprint(self, path: str) -> str:
        """Return the store's own mark of the file's version, such as an ETag."""
        return f"store:{self.store.ukey(path)}"

    def exists(self, path: str) -> bool:
        """Return whether there is a file."""
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
        """Delete a file, or a folder with its content."""
        with contextlib.suppress(FileNotFoundError):
            self.store.rm(path, recursive=True)

    def _named(self, path: str) -> str:
        return str(self.store.unstrip_protocol(path))
