"""What writers share.

A worker encodes a piece of the output: text, each piece compressed for itself, or a record batch. Pieces in their order
are a part, and parts in their order are the output.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, Literal, Protocol

from serving.contract.heads.head import ColumnType

ROW_ID = "row_id"
TRAILING = ("model", "version", "contract")


Answer = tuple[tuple[str, ColumnType | Literal["reasons"]], ...]
"""The columns of an answer: the name of each, and what it holds; its reasons are one of them if they are wanted."""


class Writer(Protocol):
    """Turns answers into the bytes of an output. A picklable value."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the output's columns."""
        ...

    @property
    def made_by(self) -> str:
        """What makes the bytes: another release of it may make others."""
        ...

    def encode(self, ids: Sequence[str], kept: Sequence[Sequence[Any]], answers: Sequence[Mapping[str, Any]]) -> Any:
        """Make a piece of the output."""
        ...

    def write_part(self, pieces: Iterable[Any], file: BinaryIO) -> None:
        """Write a part."""
        ...

    def write_output(self, parts: Iterable[BinaryIO], file: BinaryIO) -> None:
        """Write the output from open parts."""
        ...


@dataclass(frozen=True)
class Layout:
    """What each row of the output holds: its id, the columns *keep*, the *answer*, and *constants* at its end.

    *types* are the types of *keep*, for formats that have types; *constants* are model, version and contract.
    *compression* is that of the output's name.
    """

    keep: tuple[str, ...]
    types: str
    answer: Answer
    constants: tuple[str, int, str]
    compression: str = ""
