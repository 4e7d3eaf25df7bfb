"""A row of an input: its id, the model's instance, and the values that pass through to the output."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from serving.batch.cells import CellKind
from serving.batch.errors import BadInput
from serving.batch.readers.csv_dialect import DETECTED, Dialect
from serving.contract import Contract, Reading


class UnreadableRow(Exception):
    """A row does not match its file's format, or lacks its id."""


@dataclass(frozen=True)
class Columns:
    """Which column holds what: *fields* maps fields to columns; *kinds* says how files hold each field.

    A row's id is in *id_column*; without one it is made of file and row number. The columns *keep* pass through. With
    *allow_missing*, a file need not have the columns of optional fields. *dialect* is that of CSV files; what it leaves
    open, *reading* says, if training knew it.
    """

    fields: Mapping[str, str]
    required: frozenset[str]
    kinds: Mapping[str, CellKind]
    id_column: str | None = None
    keep: tuple[str, ...] = ()
    allow_missing: bool = False
    dialect: Dialect = DETECTED
    reading: Reading | None = None

    @property
    def numbers(self) -> frozenset[str]:
        """The fields that are one number each."""
        return frozenset(name for name, kind in self.kinds.items() if kind.is_number)

    @property
    def files(self) -> frozenset[str]:
        """The fields that are files."""
        return frozenset(name for name, kind in self.kinds.items() if kind.is_file)

    @property
    def names(self) -> tuple[str, ...]:
        """All columns that are read, each once."""
        wanted = [*self.fields.values(), *([self.id_column] if self.id_column else []), *self.keep]
        return tuple(dict.fromkeys(wanted))

    @property
    def told(self) -> str:
        """What the contract and the options say of how the files are written; "" if the contract says nothing."""
        given = {option: value for option, value in vars(self.dialect).items() if value}
        words = "".join(f"; but {option} {value}" for option, value in given.items())
        return f"trained: {self.reading}{words}" if self.reading else ""

    @property
    def needed(self) -> tuple[str, ...]:
        """The columns that a file must have."""
        optional = {column for name, column in self.fields.items() if name not in self.required}
        return tuple(name for name in self.names if name not in optional or name in (self.id_column, *self.keep))


def find_columns(
    contract: Contract,
    mapping: Mapping[str, str],
    id_column: str | None,
    keep: Sequence[str],
    allow_missing: bool = False,
    dialect: Dialect = DETECTED,
) -> Columns:
    """Combine the model's fields with the user's *mapping* (field -> column); raises BadInput."""
    fields = contract.record.fields
    unknown = [name for name in mapping if name not in fields]
    if unknown:
        raise BadInput(f"--column {unknown[0]}: {contract.model} takes no such field; it takes {', '.join(fields)}")
    return Columns(
        {name: mapping.get(name, name) for name in fields},
        frozenset(contract.record.required),
        {name: CellKind.of(encoder, name, contract.reading) for name, encoder in fields.items()},
        id_column,
        tuple(dict.fromkeys(keep)),
        allow_missing,
        dialect,
        contract.reading,
    )


@dataclass
class Rows:
    """The readable rows of a chunk, column by column; *rejects* has row number and reason of the others."""

    numbers: list[int] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    instances: list[Mapping[str, Any]] = field(default_factory=list)
    kept: list[Sequence[Any]] = field(default_factory=list)
    rejects: list[tuple[int, str]] = field(default_factory=list)

    def add(self, number: int, row_id: str, instance: Mapping[str, Any], kept: Sequence[Any] = ()) -> None:
        """Add a readable row."""
        self.numbers.append(number)
        self.ids.append(row_id)
        self.instances.append(instance)
        self.kept.append(kept)


def row_id(name: str, number: int, value: Any = None, column: str | None = None) -> str:
    """Return the id of a row: *value* if there is a *column* for it; raises UnreadableRow if that is empty."""
    if column is None:
        return f"{name}:{number}"
    if value is None or value == "":
        raise UnreadableRow(f"column '{column}': expected the row's id, got nothing")
    return str(value)
