"""What scoring and captures need of files, wherever they are."""

from collections.abc import Callable
from typing import BinaryIO, Protocol

Write = Callable[[BinaryIO], None]


class Files(Protocol):
    """Paths are text, as the user writes them. All methods raise OSError."""

    def glob(self, pattern: str) -> list[str]:
        """Return the matches, sorted; a path without wildcards matches itself if it exists."""
        ...

    def is_folder(self, path: str) -> bool:
        """Return whether *path* is a folder."""
        ...

    def is_pipe(self, path: str) -> bool:
        """Return whether *path* is a pipe, which can be read only once."""
        ...

    def is_special(self, path: str) -> bool:
        """Return whether *path* is a pipe, a socket or a device, which to open might take for ever."""
        ...

    def stamp(self, path: str) -> object:
        """Return a value that differs once the file has changed, without reading the file."""
        ...

    def below(self, folder: str) -> list[str]:
        """List the files in *folder*, at any depth, sorted."""
        ...

    def sizes_below(self, folder: str) -> dict[str, int]:
        """Return the sizes in bytes of the files in *folder*, at any depth, in the order of their names."""
        ...

    def open(self, path: str) -> BinaryIO:
        """Open for reading."""
        ...

    def size(self, path: str) -> int:
        """Return the size in bytes."""
        ...

    def fingerprint(self, path: str) -> str:
        """Return a text that differs if the content does."""
        ...

    def exists(self, path: str) -> bool:
        """Return whether there is a file."""
        ...

    def put(self, path: str, write: Write) -> None:
        """Have *write* make the content, and put it at *path* whole, replacing what was there."""
        ...

    def create(self, path: str, content: bytes) -> None:
        """Put *content* at *path*; raises FileExistsError if something is there."""
        ...

    def remove(self, path: str) -> None:
        """Delete a file, or a folder with its content, if it exists."""
        ...
