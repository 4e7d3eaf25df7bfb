"""How the rows of the examples become instances: the fields with their encoders, and the inputs that they make."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from serving.contract import TensorSpec
from serving.contract.encoders import Encoder
from training.importing.fields import Fields, encoder_of, match, plain
from training.importing.fields_file import Stated, encoder_as_stated, read_fields, stated_inputs, values_as_stated
from training.importing.rows import Rows


@dataclass(frozen=True)
class Layout:
    """The *encoders* of the fields, the *fields* of each input, and the *instances*, as a client would send them."""

    encoders: Mapping[str, Encoder]
    fields: Fields
    instances: Sequence[Mapping[str, Any]]


def lay_out(rows: Rows, inputs: Mapping[str, TensorSpec], fields_file: Path | None) -> Layout:
    """Lay the rows out as a fields file says, and by their names where it says nothing. Raises CannotImport."""
    stated = read_fields(fields_file) if fields_file else {}
    fields = stated_inputs(stated, rows, inputs, fields_file) if stated else match(rows, inputs)
    encoders: dict[str, Encoder] = {}
    columns: dict[str, Sequence[Any]] = {}
    for name, packed in fields.items():
        for field in packed:
            spec = inputs[name]
            encoders[field], columns[field] = _column(
                rows, field, spec, stated.get(field), fields_file, len(packed) > 1
            )
    instances = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    present = [{field for field in columns if field in row} for row in rows.rows]
    return Layout(
        encoders,
        fields,
        [{name: row[name] for name in columns if name in has} for row, has in zip(instances, present, strict=True)],
    )


def _column(
    rows: Rows, field: str, spec: TensorSpec, stated: Stated | None, file: Path | None, is_part: bool
) -> tuple[Encoder, Sequence[Any]]:
    if stated is None:
        part = TensorSpec(spec.dtype, (None,)) if is_part else spec
        return encoder_of(rows, field, part, is_part), plain(rows, field, part)
    values = values_as_stated(rows, field, stated)
    return encoder_as_stated(stated, f"{file}: fields.{field}", values, spec), values
