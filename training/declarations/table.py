"""A table as it was read: columns of cells of text (CSV), or of values (Parquet, JSON lines)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Table:
    """Columns by name, all of the same length; with *texts* every value is the text of its cell."""

    file: str
    columns: Mapping[str, Sequence[Any]]
    texts: bool

    @property
    def rows(self) -> int:
        """The number of rows."""
        return len(next(iter(self.columns.values()), ()))


@dataclass(frozen=True)
class Dialect:
    """How a text file writes a table: its *encoding*, *separator*, *decimal* mark, and the words for a gap."""

    separator: str = ","
    decimal: str = "."
    na: tuple[str, ...] = ()
    encoding: str = "utf-8"
