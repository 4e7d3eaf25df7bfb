"""A table as it was read: columns of cells of text (CSV), or of values (Parquet, JSON lines)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Table:
    """Columns by name, all of the same length; with *texts* every value is the text of its cell.

    The first row is number *first* of the file, counted from 0. Of a large file, it may be every *every*-th row, of
    *total* ones.
    """

    file: str
    columns: Mapping[str, Sequence[Any]]
    texts: bool
    first: int = 0
    every: int = 1
    total: int = 0

    @property
    def rows(self) -> int:
        """The number of rows."""
        return len(next(iter(self.columns.values()), ()))

    def number(self, row: int) -> int:
        """Return the number that *row* has in the file, counted from 1."""
        return self.first + row * self.every + 1


@dataclass(frozen=True)
class Dialect:
    """How a text file writes a table: its *encoding*, *separator*, *decimal* mark, and the words for a gap."""

    separator: str = ","
    decimal: str = "."
    na: tuple[str, ...] = ()
    encoding: str = "utf-8"
