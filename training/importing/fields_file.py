"""The file of `--fields`: which encoder reads a field, with its options, and which input it belongs to."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from serving.contract import TensorSpec
from serving.contract.encoders import ENCODERS, Category, Encoder
from serving.contract.encoders.vocabulary import Vocabulary
from serving.errors import PlumblineError, shown
from training.importing.errors import CannotImport, first_line
from training.importing.fields import Fields, from_text
from training.importing.rows import Rows

_TEXTS = ("text", "image", "date")
"""Kinds whose values are texts, in a CSV file as they stand."""
_MOST_BYTES = 10_000_000


@dataclass(frozen=True)
class Stated:
    """What a file says of a field; *input* is empty if it says none."""

    kind: str
    input: str
    options: Mapping[str, Any]


def read_fields(path: Path) -> dict[str, Stated]:
    """Read the table `[fields]` of a TOML file. Raises CannotImport with the place of what can't be."""
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise CannotImport(f"{path}: expected at most {_MOST_BYTES:,} bytes, got more")
        document = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise CannotImport(f"{path}: expected a TOML file, got one that can't be read: {error}") from error
    if list(document) != ["fields"] or not isinstance(document["fields"], dict) or not document["fields"]:
        raise CannotImport(f"{path}: expected tables called [fields.NAME] and nothing else, got {', '.join(document)}")
    return {name: _stated(f"{path}: fields.{name}", table) for name, table in document["fields"].items()}


def _stated(place: str, table: Any) -> Stated:
    if not isinstance(table, dict):
        raise CannotImport(f"{place}: expected a table, got {shown(table)}")
    options = dict(table)
    kind, name = options.pop("kind", None), options.pop("input", "")
    if not isinstance(kind, str) or kind not in ENCODERS:
        raise CannotImport(f"{place}: kind: expected one of {', '.join(ENCODERS)}, got {shown(kind)}")
    if not isinstance(name, str):
        raise CannotImport(f"{place}: input: expected the name of an input, got {shown(name)}")
    return Stated(kind, name, options)


def stated_inputs(
    stated: Mapping[str, Stated], rows: Rows, inputs: Mapping[str, TensorSpec], path: Path | None
) -> Fields:
    """Return the fields of each input: as stated, and by name for inputs that no field states. Raises CannotImport."""
    fields: dict[str, list[str]] = {name: [] for name in inputs}
    for field, each in stated.items():
        name = each.input or (next(iter(inputs)) if len(inputs) == 1 else field)
        if name not in inputs:
            known = ", ".join(inputs)
            raise CannotImport(f"{path}: fields.{field}: input: expected one of the model's, {known}, got '{name}'")
        fields[name].append(field)
    for name, packed in fields.items():
        packed += [] if packed else [name]
        for field in packed:
            if field not in rows.columns:
                raise CannotImport(
                    f"{rows.path}: expected a field '{field}', got {', '.join(rows.columns)}: rename it there, or "
                    f"state in {path} which fields the input '{name}' is made of"
                )
    return {name: tuple(packed) for name, packed in fields.items()}


def values_as_stated(rows: Rows, field: str, stated: Stated) -> Sequence[Any]:
    """Return a column's values: pictures may be files beside the rows, and a CSV file's cells are read as JSON."""
    values = rows.values(field)
    if stated.kind == "image":
        return [_picture(rows.path.parent, value) for value in values]
    known = stated.options.get("values")
    has_texts = stated.kind == "category" and (not known or (isinstance(known, list) and isinstance(known[0], str)))
    is_text = stated.kind in _TEXTS or stated.options.get("dtype") == "string" or has_texts
    return [*map(from_text, values)] if rows.are_texts and not is_text else values


def _picture(folder: Path, value: Any) -> Any:
    """Return the bytes of the file that *value* names, or *value*: the base64 text of one."""
    try:
        return (folder / value).read_bytes() if isinstance(value, str) and (folder / value).is_file() else value
    except (OSError, ValueError):  # too long for a name, say
        return value


def encoder_as_stated(stated: Stated, place: str, values: Sequence[Any], spec: TensorSpec) -> Encoder:
    """Return the encoder of a field, for an input of *spec*. Raises CannotImport."""
    options = {**_defaults(stated.kind, spec), **stated.options}
    try:
        if stated.kind == "category" and "values" in options:
            known = Vocabulary(
                tuple(options.pop("values")), options.pop("missing", "error"), options.pop("unknown", "error")
            )
            return Category(known, **options)
        fit: Any = ENCODERS[stated.kind].fit  # type: ignore[attr-defined]
        encoder: Encoder = fit(values, **options)
        return encoder
    except (ValueError, TypeError, OSError, PlumblineError) as error:
        raise CannotImport(f"{place}: kind '{stated.kind}': {first_line(error)}") from error


def _defaults(kind: str, spec: TensorSpec) -> dict[str, Any]:
    """Return options by what the input is: the original got its numbers as they are, and pictures of its size."""
    if kind in ("number", "array"):
        return {"scale": "none"}
    if kind == "raw":
        return {"dtype": spec.dtype}
    if kind == "image" and len(spec.shape) == 4:
        _, height, width, channels = spec.shape
        size = {"height": height, "width": width} if height and width else {}
        return {**size, "colour": "L" if channels == 1 else "RGB"}
    return {}
