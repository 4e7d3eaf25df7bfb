"""The bodies of TensorFlow Serving's REST predict call, with raw instances, in row format or column format."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any

from serving.contract import Contract
from serving.errors import MalformedRequest
from serving.gateway.protocols.body import kind
from serving.gateway.protocols.named_tensors import BYTES, as_text, file_fields, list_fields, rows
from serving.gateway.protocols.predict_body import Instances, Path, pointer

SIGNATURE = "serving_default"


def is_rows(document: Any) -> bool:
    """Return whether it is the row format (`instances`), not the column format (`inputs`). Raise MalformedRequest."""
    if not isinstance(document, dict):
        raise MalformedRequest(f"expected a JSON object with 'instances' or 'inputs', got {kind(document)}")
    if other := [name for name in document if name not in ("instances", "inputs", "signature_name")]:
        raise MalformedRequest(f"expected 'instances' or 'inputs', and 'signature_name', got {other[0][:60]!r}")
    if ("instances" in document) == ("inputs" in document):
        raise MalformedRequest(
            f"expected either 'instances' or 'inputs', got {'both' if 'inputs' in document else 'neither'}"
        )
    signature = document.get("signature_name", SIGNATURE)
    if signature not in ("", SIGNATURE):
        raise MalformedRequest(f"expected '{SIGNATURE}' as 'signature_name', got {str(signature)[:60]!r}")
    return "instances" in document


def read_rows(instances: Any, contract: Contract) -> Instances:
    """Read `instances`. If the model has one field, bare values are accepted too.

    A value may be in an array of length 1, unless the field is a list: to such callers, the batch has the shape [n, 1].

    Raise MalformedRequest.
    """
    if not isinstance(instances, list):
        raise MalformedRequest(f"expected 'instances' as an array, got {kind(instances)}")
    fields = _Fields(contract)
    bare = [len(fields.names) == 1 and (not isinstance(each, dict) or _is_base64(each)) for each in instances]
    values = [{fields.names[0]: each} if is_bare else each for each, is_bare in zip(instances, bare, strict=True)]

    def place(index: int, path: Path) -> str:
        return pointer("instances", index, *(() if bare[index] else path[:1]), *fields.rank(values[index], path))

    return Instances([fields.read(each) if isinstance(each, dict) else each for each in values], place)


def read_columns(inputs: Any, contract: Contract) -> Instances:
    """Read `inputs`: by field, a value for each instance. If the model has one field, bare values are accepted too.

    A value may be in an array of length 1, as in rows.

    Raise MalformedRequest.
    """
    fields = _Fields(contract)
    bare = not isinstance(inputs, dict) or _is_base64(inputs)
    if bare and len(fields.names) > 1:
        raise MalformedRequest(f"expected 'inputs' as an object with {', '.join(fields.names)}, got {kind(inputs)}")
    columns = {fields.names[0]: inputs} if bare else inputs
    listed = {name: values if isinstance(values, list) else [values] for name, values in columns.items()}

    def place(index: int, path: Path) -> str:
        if not path or path[0] not in columns:
            return pointer("inputs")
        name = str(path[0])
        row = (index,) if isinstance(columns[name], list) else ()
        return pointer("inputs", *(() if bare else (name,)), *row, *fields.rank({name: listed[name][index]}, path))

    missing = tuple(name for name in contract.record.required if name not in columns)
    return Instances([fields.read(instance) for instance in rows(listed)], place, missing)


def predictions(columns: Mapping[str, Sequence[Any]]) -> list[Any]:
    """Return the reply's `predictions`: bare values if there is one output, else objects by output."""
    if len(columns) == 1:
        return list(next(iter(columns.values())))
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def outputs(columns: Mapping[str, Sequence[Any]]) -> Any:
    """Return the reply's `outputs`: the values if there is one output, else values by output."""
    return next(iter(columns.values())) if len(columns) == 1 else columns


class _Fields:
    """The fields of a model: which are files, and which are lists themselves."""

    def __init__(self, contract: Contract) -> None:
        self.names = tuple(contract.record.fields)
        self._files = file_fields(contract)
        self._lists = list_fields(contract)
        fields = contract.record.fields
        self._of_texts = frozenset(name for name in self._lists if fields[name].datatype == BYTES)

    def read(self, instance: Mapping[str, Any]) -> dict[str, Any]:
        """Return the instance that the body's form stands for."""
        return {name: self._read(name, value) for name, value in instance.items()}

    def rank(self, instance: Any, path: Path) -> Path:
        """Return what follows a field's name in a place: 0 if its value is in an array of length 1."""
        name = path[0] if path else ""
        alone = isinstance(instance, dict) and name not in self._lists and _is_alone(instance.get(name))
        return (0, *path[1:]) if alone else path[1:]

    def _read(self, name: str, value: Any) -> Any:
        if name in self._lists:
            return _unpacked_within(value) if name in self._of_texts else value
        return _unpacked(value[0] if _is_alone(value) else value, name in self._files)


def _is_alone(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 1


def _unpacked_within(value: Any) -> Any:
    """Decode each `{"b64": ...}` in nested lists of texts."""
    return [_unpacked_within(item) for item in value] if isinstance(value, list) else _unpacked(value, is_file=False)


def _unpacked(value: Any, is_file: bool) -> Any:
    """Decode `{"b64": ...}`, except for files, whose base64 the contract reads."""
    if not _is_base64(value):
        return value
    if is_file:
        return value["b64"]
    try:
        return as_text(base64.b64decode(value["b64"], validate=True))
    except (binascii.Error, ValueError):
        return value  # which the contract refuses


def _is_base64(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() == {"b64"} and isinstance(value["b64"], str)
