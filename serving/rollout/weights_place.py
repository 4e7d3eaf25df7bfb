"""Where the weights document is kept, and how it is changed."""

import fcntl
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from serving.catalog.weights import MAX_BYTES
from serving.process.durable_files import replace
from serving.rollout.errors import WeightsUnavailable

Edit = Callable[[str], str]


class WeightsPlace(Protocol):
    """Keeps a weights document. Raises WeightsUnavailable."""

    def read(self) -> str:
        """Return its text."""
        ...

    def change(self, edit: Edit) -> None:
        """Replace the text by what *edit* makes of it, with nobody else's change in between."""
        ...


class WeightsInFile:
    """The document in the file *path*. Those who change it take turns by a lock beside it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> str:
        """Return its text; raise WeightsUnavailable."""
        try:
            with self._path.open("rb") as file:
                return file.read(MAX_BYTES + 1).decode()
        except (OSError, UnicodeDecodeError) as error:
            raise WeightsUnavailable(f"{self._path}: expected a weights document that can be read: {error}") from error

    def change(self, edit: Edit) -> None:
        """Replace its text by renaming; raise WeightsUnavailable, and what *edit* raises."""
        try:
            path = self._path.resolve()  # a gateway may know it by another link
            with path.with_name(f".{path.name}.lock").open("ab") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                after = edit(self.read()).encode()
                replace(path, lambda file: file.write(after))
        except OSError as error:
            raise WeightsUnavailable(f"{self._path} can't be written: {error}") from error
