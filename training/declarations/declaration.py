"""What a TOML file can declare: a model's data, target, split, fields, protocol and recipe."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from serving.contract.handling import Handling
from training.declarations.table import Dialect


@dataclass(frozen=True, kw_only=True)
class DataPart:
    """`[data]`: a *file* of a table, or a *folder* of photos; and how a CSV file is written.

    With a *window*, each so many rows in the order of a column are a row of the model, which answers the target
    *horizon* rows after the last of them; rows of another *group* are another series.
    """

    file: str = ""
    folder: str = ""
    separator: Literal[",", ";", "\t", "|"] = ","
    decimal: Literal[".", ","] = "."
    na: tuple[str, ...] = ("",)
    encoding: Literal["utf-8", "utf-16", "cp1252", "latin-1"] = "utf-8"
    window: int = 0
    horizon: int = 1
    order: str = ""
    group: str = ""

    @property
    def dialect(self) -> Dialect:
        """How the file is written."""
        return Dialect(self.separator, self.decimal, self.na, self.encoding)


@dataclass(frozen=True, kw_only=True)
class TargetPart:
    """`[target]`: the column, or the columns, and what is asked: by default what suits their values."""

    column: str = ""
    columns: tuple[str, ...] = ()
    problem: Literal["", "binary", "multiclass", "multilabel", "regression", "values"] = ""
    labels: tuple[str, ...] = ()
    unit: str = ""
    units: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The columns."""
        return (self.column,) if self.column else self.columns


@dataclass(frozen=True, kw_only=True)
class SplitPart:
    """`[split]`: the share of test rows, and which these are."""

    test: float = 0.2
    by: Literal["random", "group", "time"] = "random"
    column: str = ""
    seed: int = 1


@dataclass(frozen=True, kw_only=True)
class ProtocolPart:
    """`[protocol]`: how the training rows are split for validation; by default what suits their number."""

    name: Literal["", "holdout", "kfold", "repeated-kfold", "time-ordered"] = ""
    folds: int | None = None
    repeats: int | None = None
    share: float | None = None


@dataclass(frozen=True, kw_only=True)
class GatePart:
    """`[gate]`: the worst value of the metric, and by how much it may be worse than the live version's."""

    floor: float | None = None
    tolerance: float = 0.0


@dataclass(frozen=True)
class FieldPart:
    """`[fields.NAME]`: a kind, its options, and what may become of the values where requests are captured, if said."""

    kind: str
    options: Mapping[str, Any] = field(default_factory=dict)
    capture: Handling | None = None


@dataclass(frozen=True)
class RecipePart:
    """`[recipe]`: a name, "" for what suits the data, and its settings."""

    name: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Declaration:
    """A whole file, of which *document* is the content as TOML has it; *path* is where it stands."""

    path: Path
    name: str
    data: DataPart
    target: TargetPart
    split: SplitPart
    fields: Mapping[str, FieldPart]
    protocol: ProtocolPart
    recipe: RecipePart
    gate: GatePart
    document: Mapping[str, Any] = field(repr=False)
