"""Which fields an instance has, and which of the model's inputs are made of them."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from serving.contract import Features, Input, Record, TensorSpec
from serving.contract.arrays import STRING
from serving.contract.encoders import Encoder, Number, Raw, nested
from serving.contract.encoders.elements import DType
from serving.contract.encoders.scaling import Scaling
from serving.contract.faults import Faults
from training.importing.errors import CannotImport
from training.importing.rows import Rows

Fields = Mapping[str, tuple[str, ...]]
"""The fields that each input of the model is made of."""


@dataclass(frozen=True)
class Packing:
    """The *record* that reads instances, and *tensors*: what its inputs are called in the model."""

    record: Record
    tensors: Mapping[str, str]

    def features(self, rows: Rows, instances: Sequence[Mapping[str, Any]]) -> Features:
        """Make the features of *instances*. Raises CannotImport for the first that does not fit."""
        faults = Faults()
        read = self.record.read(instances, faults)
        if faults.count:
            fault = faults.first[0]
            more = f"; {faults.count - 1:,} more like it" if faults.count > 1 else ""
            raise CannotImport(f"{rows.path}: row {fault.row}: {fault}{more}: each row is one instance of the model")
        return self.record.encode(read)


def pack(encoders: Mapping[str, Encoder], fields: Fields) -> Packing:
    """Return the packing of *fields* with their *encoders*; tensors get names that TensorFlow takes."""
    tensors: dict[str, str] = {}
    for name in fields:
        plain = re.sub(r"[^A-Za-z0-9_]", "_", name).lstrip("_") or "input"
        plain = plain if plain[0].isalpha() else f"input_{plain}"
        tensors[plain if plain not in tensors else f"{plain}_{len(tensors)}"] = name
    inputs = tuple(Input(tensor, fields[name]) for tensor, name in tensors.items())
    return Packing(Record(encoders, inputs), tensors)


def typed(rows: Rows, inputs: Mapping[str, TensorSpec]) -> dict[str, TensorSpec]:
    """Return *inputs* whose type is not known with that of the first row: texts, or else numbers as they are."""
    found = dict(inputs)
    for name, spec in inputs.items():
        column = name if name in rows.columns else rows.columns[0]
        value = rows.rows[0].get(column)
        value = from_text(value) if rows.are_texts else value
        while isinstance(value, list) and value:
            value = value[0]
        if isinstance(value, str):
            found[name] = TensorSpec(STRING, spec.shape)
    return found


def match(rows: Rows, inputs: Mapping[str, TensorSpec]) -> Fields:
    """Return the columns of *rows* that are *inputs*: by name, or else all for the only input. Raises CannotImport."""
    columns = rows.columns
    if inputs.keys() <= set(columns):
        return {name: (name,) for name in inputs}
    (name, spec), *others = inputs.items()
    is_only = not others
    if is_only and len(columns) == 1:
        return {name: columns}
    if is_only and _is_packed(spec) and spec.shape[1] in (None, len(columns)):
        return {name: columns}
    lacking = ", ".join(f"'{each}' {_words(inputs[each])}" for each in inputs if each not in columns)
    raise CannotImport(
        f"{rows.path}: expected a field for each input of the model, got the fields {', '.join(columns)}: lacking is "
        f"{lacking}: rename the fields, or say in --fields which input each of them is"
    )


def encoder_of(rows: Rows, column: str, spec: TensorSpec, is_part: bool) -> Encoder:
    """Return the encoder of a column that is an input as it is, or one number of it. Raises CannotImport."""
    if is_part:
        return Number(Scaling("none"))
    if spec.dtype not in get_args(DType):
        raise CannotImport(
            f"{rows.path}: {column}: expected an input of {', '.join(get_args(DType))}, got one of {spec.dtype}: cast "
            "it in the model, and save it again"
        )
    values = plain(rows, column, spec)
    shape = () if spec.shape[1:] == (1,) and not isinstance(values[0], list) else spec.shape[1:]
    try:
        return Raw(spec.dtype, _fixed(rows, column, shape, values))  # type: ignore[arg-type]
    except ValueError as error:
        raise CannotImport(f"{rows.path}: {column}: {error}, as the model's input {_words(spec)} takes") from error


def plain(rows: Rows, column: str, spec: TensorSpec) -> list[Any]:
    """Return a column's values; in a CSV file, those that are no texts to the model are read as JSON."""
    values = rows.values(column)
    return [*map(from_text, values)] if rows.are_texts and (spec.dtype != STRING or _is_nested(spec)) else values


def from_text(text: Any) -> Any:
    """Return what a cell of a CSV file says in JSON, None if it is empty, and the text itself if it is no JSON."""
    try:
        return json.loads(text) if text and text.strip() else None
    except ValueError:
        return text


def _is_nested(spec: TensorSpec) -> bool:
    return spec.shape[1:] not in ((), (1,))


def _is_packed(spec: TensorSpec) -> bool:
    return len(spec.shape) == 2 and spec.dtype.startswith("float")


def _fixed(rows: Rows, column: str, shape: tuple[int | None, ...], values: Sequence[Any]) -> tuple[int, ...]:
    """Return *shape* with the sizes of the examples where the model takes any. Raises CannotImport if these differ."""
    if None not in shape:
        return tuple(size or 0 for size in shape)
    shapes = [nested.shape_of(value) for value in values]
    for number, each in enumerate(shapes):
        if len(each) != len(shape) or each != shapes[0]:
            raise CannotImport(
                f"{rows.path}: row {number}: {column}: expected lists of one shape, {list(shapes[0])} as the first, "
                f"got {list(each)}: the model takes any, the contract one: pad the rows, or give the field a length in "
                '--fields (kind = "array", length = ...)'
            )
    return shapes[0]


def _words(spec: TensorSpec) -> str:
    return f"{spec.dtype}[{', '.join('any' if size is None else str(size) for size in spec.shape[1:])}]"
