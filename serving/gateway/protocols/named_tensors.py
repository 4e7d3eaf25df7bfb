"""Raw instances and answers as named tensors, the form that other model servers' protocols use.

Each field of an instance is an input tensor, each part of an answer one or two output tensors. The first axis is the
batch. Datatypes are those of the Open Inference Protocol. Lists that differ in length, which no tensor can hold, travel
as text: BYTES with the JSON of each.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from serving.contract import Answers, Contract
from serving.contract.encoders import Encoder
from serving.errors import MalformedRequest

BYTES, FP64, BOOL = "BYTES", "FP64", "BOOL"


@dataclass(frozen=True)
class TensorInfo:
    """A tensor's description before any request. The batch is -1 in *shape*."""

    name: str
    datatype: str
    shape: tuple[int, ...] = (-1,)


def input_tensors(contract: Contract) -> tuple[TensorInfo, ...]:
    """Return an instance's fields as tensors."""
    return tuple(_input(name, encoder) for name, encoder in contract.record.fields.items())


def _input(name: str, encoder: Encoder) -> TensorInfo:
    if encoder.value_shape is None:
        return TensorInfo(name, BYTES)
    return TensorInfo(name, encoder.datatype, (-1, *encoder.value_shape))


def file_fields(contract: Contract) -> frozenset[str]:
    """Return the fields that are files: base64 in JSON, and the bytes themselves where a protocol has bytes."""
    return frozenset(name for name, encoder in contract.record.fields.items() if encoder.control == "picture")


def only_file(contract: Contract) -> str | None:
    """Return the field of a model that takes nothing but a file, else None."""
    fields = file_fields(contract)
    return next(iter(fields)) if fields == contract.record.fields.keys() and len(fields) == 1 else None


def json_fields(contract: Contract) -> frozenset[str]:
    """Return the fields whose values travel as JSON text where a protocol has tensors."""
    return frozenset(name for name, encoder in contract.record.fields.items() if encoder.value_shape is None)


def list_fields(contract: Contract) -> frozenset[str]:
    """Return the fields whose values are lists."""
    return frozenset(name for name, encoder in contract.record.fields.items() if encoder.value_shape != ())


def from_json(value: Any) -> Any:
    """Return what a JSON text says; what is none stays as it is, for the contract to refuse."""
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        return value


def to_json(value: Any) -> str:
    """Return the JSON text by which a value travels."""
    return orjson.dumps(value).decode()


def output_tensors(answers: Answers) -> tuple[TensorInfo, ...]:
    """Return an answer's parts as tensors; scores by name become two, of names and of scores, best first."""
    return tuple(info for name, schema in answers.column_schemas.items() for info in _outputs(name, schema))


def _outputs(name: str, schema: Mapping[str, Any]) -> Iterator[TensorInfo]:
    match schema:
        case {"const": _}:  # a unit, say, which metadata has
            return
        case {"type": "object", **more}:
            listed = (-1, more.get("maxProperties", -1))
            yield TensorInfo(_names(name), BYTES, listed)
            yield TensorInfo(name, FP64, listed)
        case {"type": "array", "items": {"type": "number"}, **more}:
            yield TensorInfo(name, FP64, (-1, more.get("maxItems", -1)))
        case {"type": "array"} | {"type": "string"}:
            yield TensorInfo(name, BYTES)
        case _:
            yield TensorInfo(name, FP64)


def _names(column: str) -> str:
    """Return what the tensor of the names is called whose scores are in *column*: `labels` of `scores`."""
    return f"{column.removesuffix('scores')}labels" if column.endswith("scores") else f"{column}_names"


def output_columns(answers: Answers, made: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Return the output tensors' values by name, one for each of the answers that were *made*."""
    flat = [answers.flat(answer) for answer in made]
    columns: dict[str, list[Any]] = {}
    for name, schema in answers.column_schemas.items():
        values = [answer[name] for answer in flat]
        match schema:
            case {"const": _}:
                continue
            case {"type": "object"}:
                columns[_names(name)] = [list(scores) for scores in values]
                columns[name] = [list(scores.values()) for scores in values]
            case {"type": "array", "items": {"type": "string"}}:
                columns[name] = [to_json(value) for value in values]
            case _:
                columns[name] = values
    return columns


def rows(columns: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """Turn input tensors' values by name into instances. Raise MalformedRequest unless all have the same length."""
    lengths = {len(values): name for name, values in columns.items()}
    if len(lengths) > 1:
        lengths_got = " and ".join(f"{length} of {name[:60]!r}" for length, name in list(lengths.items())[:2])
        raise MalformedRequest(f"expected inputs of the same length, got {lengths_got}")
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def as_text(value: bytes) -> str | bytes:
    """Decode UTF-8. Other bytes stay bytes, which the contract refuses like any wrong type."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value
