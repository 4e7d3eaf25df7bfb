"""Reading a declaration: every key that there is not, and every value of a wrong type, is refused with its place."""

import dataclasses
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

from serving.contract.handling import HANDLINGS, Handling
from serving.registry.versions import MODEL_NAME
from training.declarations.checking import allows, expected, taken
from training.declarations.declaration import (
    DataPart,
    Declaration,
    FieldPart,
    GatePart,
    ProtocolPart,
    RecipePart,
    SplitPart,
    TargetPart,
)
from training.declarations.places import Source
from training.declarations.words import listed, meant, quoted, shortened
from training.errors import BadRequest

SUFFIX = ".toml"
MOST_BYTES = 10_000_000
MOST_STEPS = 10_000
"""The longest window, and the furthest horizon, in rows."""
_TABLES = ("data", "target", "split", "fields", "protocol", "recipe", "gate")
T = TypeVar("T")


def is_declaration(model: str) -> bool:
    """Return whether *model*, as a command was given it, is a TOML file rather than the name of a task."""
    return model.lower().endswith(SUFFIX)


def model_name(path: Path) -> str:
    """Return the name of the model that a file declares. Raises BadRequest if it can't be read, or be a name."""
    source, document = _read(path)
    return _name(source, document)


def read_declaration(path: Path) -> Declaration:
    """Read a file. Raises BadRequest, with table, key and line."""
    source, document = _read(path)
    for key in document:
        if key not in (*_TABLES, "name"):
            source.refuse([key], f"unknown; {meant(key, (*_TABLES, 'name'))}")
    for key in ("data", "target", "fields"):
        if key not in document and not (key == "target" and "folder" in document.get("data", {})):
            source.refuse([], f"expected a table [{key}]: `plumbline new` writes a file to start from")
    data = _part(source, document, "data", DataPart)
    return Declaration(
        path=path,
        name=_name(source, document),
        data=_checked_data(source, data),
        target=_part(source, document, "target", TargetPart),
        split=_checked_split(source, _part(source, document, "split", SplitPart), data),
        fields=_fields(source, document),
        protocol=_checked_protocol(source, _part(source, document, "protocol", ProtocolPart), data),
        recipe=_recipe(source, document),
        gate=_part(source, document, "gate", GatePart),
        document=document,
    )


def source_of(declaration: Declaration) -> Source:
    """Return the file of a declaration, by which places in it are told."""
    return Source(declaration.path, declaration.path.read_text("utf-8", errors="replace"))


def _read(path: Path) -> tuple[Source, dict[str, Any]]:
    try:
        data = path.read_bytes() if path.stat().st_size <= MOST_BYTES else None
    except OSError as error:
        raise BadRequest(f"{path}: {error.strerror}") from error
    if data is None:
        raise BadRequest(f"{path}: expected a TOML file of at most {MOST_BYTES:,} bytes")
    try:
        text = data.decode("utf-8-sig")
        return Source(path, text), tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"{path}: expected TOML: {shortened(error)}") from error


def _name(source: Source, document: Mapping[str, Any]) -> str:
    name = document.get("name", source.path.stem)
    if not isinstance(name, str) or not MODEL_NAME.fullmatch(name):
        source.refuse(
            ["name"] if "name" in document else [],
            f"{quoted(name)} can't be a model's name: expected at most 100 small letters, digits, _ and -, such as "
            f"name = {quoted(slug(str(name)))} at the top of the file",
        )
    return name


def slug(text: str) -> str:
    """Return the name of a model that is like *text*."""
    letters = "".join(it if it in "abcdefghijklmnopqrstuvwxyz0123456789" else "_" for it in text.lower())
    return "_".join(filter(None, letters.split("_")))[:60] or "model"


def _table(source: Source, document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    table = document.get(key, {})
    if not isinstance(table, dict):
        source.refuse([key], f"expected a table [{key}], got {quoted(table)}")
    return table


def _part(source: Source, document: Mapping[str, Any], key: str, part: type[T]) -> T:
    return part(**checked(source, (key,), _table(source, document, key), get_type_hints(part)))


Table = Mapping[str, Any]


def checked(source: Source, keys: tuple[str, ...], table: Table, hints: Table) -> dict[str, Any]:
    """Return the values of *table*, which stands at *keys*, in the types of *hints*, or raise BadRequest."""
    values = {}
    for key, value in table.items():
        if key not in hints:
            source.refuse((*keys, key), f"unknown; {meant(key, hints)}")
        hint = hints[key]
        if dataclasses.is_dataclass(hint) and isinstance(value, dict):
            values[key] = checked(source, (*keys, key), value, get_type_hints(hint))
            continue
        if not allows(hint, value):
            source.refuse((*keys, key), f"expected {expected(hint)}, got {quoted(value)}")
        values[key] = taken(hint, value)
    return values


def _checked_data(source: Source, data: DataPart) -> DataPart:
    if bool(data.file) == bool(data.folder):
        source.refuse(["data"], "expected either file or folder")
    for option in ("window", "horizon", "order", "group"):
        if getattr(data, option) != getattr(DataPart, option) and not (data.file and data.window):
            source.refuse(["data", option], "is for a table with a window = ..., the number of rows that a model sees")
    if not 0 <= data.window <= MOST_STEPS or not 1 <= data.horizon <= MOST_STEPS:
        option = "window" if not 0 <= data.window <= MOST_STEPS else "horizon"
        source.refuse(["data", option], f"expected 1 to {MOST_STEPS:,} rows, got {getattr(data, option):,}")
    return data


def _checked_protocol(source: Source, protocol: ProtocolPart, data: DataPart) -> ProtocolPart:
    if data.window and protocol.name not in ("", "time-ordered"):
        source.refuse(["protocol", "name"], "windows overlap: they are validated in the order of time, time-ordered")
    return protocol


def _checked_split(source: Source, split: SplitPart, data: DataPart) -> SplitPart:
    if not 0 < split.test < 1:
        source.refuse(["split", "test"], f"expected a share between 0 and 1, got {split.test:g}")
    if not 0 <= split.seed < 2**31:
        source.refuse(["split", "seed"], f"expected a whole number from 0 to 2147483647, got {split.seed}")
    if data.window:
        if split.by == "group" or split.column:
            option = "column" if split.column else "by"
            source.refuse(["split", option], "windows are split by time, in the order that [data] says")
        return replace(split, by="time")
    if (split.by == "random") == bool(split.column):
        needed = 'a column is for by = "group" or "time"' if split.column else f'by = "{split.by}" needs a column'
        source.refuse(["split", "by" if not split.column else "column"], needed)
    return split


def _fields(source: Source, document: Mapping[str, Any]) -> dict[str, FieldPart]:
    fields = {}
    for name, table in _table(source, document, "fields").items():
        if not isinstance(table, dict):
            source.refuse(["fields", name], f"expected a table [fields.{name}], got {quoted(table)}")
        kind = table.get("kind")
        if not isinstance(kind, str):
            source.refuse(["fields", name, "kind"], 'expected a kind, such as kind = "number"')
        options = {key: value for key, value in table.items() if key not in ("kind", "capture")}
        fields[name] = FieldPart(kind, options, _handling(source, name, table))
    if not fields:
        source.refuse(["fields"], "expected at least one table such as [fields.age]")
    return fields


def _handling(source: Source, name: str, table: Mapping[str, Any]) -> Handling | None:
    handling: Handling | None = table.get("capture")
    if "capture" in table and handling not in HANDLINGS:
        source.refuse(["fields", name, "capture"], f"expected one of {listed(HANDLINGS)}, got {quoted(handling)}")
    return handling


def _recipe(source: Source, document: Mapping[str, Any]) -> RecipePart:
    table = _table(source, document, "recipe")
    name = table.get("name", "")
    if not isinstance(name, str):
        source.refuse(["recipe", "name"], f"expected a text in quotes, got {quoted(name)}")
    return RecipePart(name, {key: value for key, value in table.items() if key != "name"})
