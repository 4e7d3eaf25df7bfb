"""What CSV and JSON lines share: their pieces and parts can be concatenated."""

import shutil
from collections.abc import Iterable
from typing import BinaryIO

from serving.batch.writers.writer import ROW_ID, TRAILING, Layout


class TextOutput(Layout):
    """The part of a writer that does not depend on the kind of text."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the output's columns."""
        return (ROW_ID, *self.keep, *(name for name, _ in self.answer), *TRAILING)

    def write_part(self, pieces: Iterable[bytes], file: BinaryIO) -> None:
        """Write the pieces one after another."""
        for piece in pieces:
            file.write(piece)

    def write_output(self, parts: Iterable[BinaryIO], file: BinaryIO) -> None:
        """Write the header, if there is one, and the parts."""
        file.write(self._header())
        for part in parts:
            shutil.copyfileobj(part, file, 1 << 20)

    def _header(self) -> bytes:
        return b""
