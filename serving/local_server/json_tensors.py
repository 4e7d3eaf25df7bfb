"""JSON values -> numpy, as a signature expects: the two request formats of the REST predict call."""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from serving.runtime.errors import ServingError, invalid_argument
from serving.runtime.signature import TensorInfo
from serving.runtime.tensor_messages import TYPE_NAMES, Array
from serving.tfserving.codes import Code

_MAX_ECHO = 256
_READABLE = {np.dtype(name) for name in ("f4", "f8", "i1", "i2", "i4", "i8", "u1", "u4", "u8", "?", "O")}


def parse_request(body: bytes) -> dict[str, Any]:
    """Parse the body, up to the end of its first JSON document; NaN and Infinity are accepted."""
    text = body.decode("utf-8", "replace").lstrip(" \t\r\n")
    if not text:
        raise invalid_argument("JSON Parse error: The document is empty")
    try:
        document, _ = json.JSONDecoder().raw_decode(text)
    except json.JSONDecodeError as error:
        raise invalid_argument(f"JSON Parse error: Invalid value. at offset: {error.pos}") from error
    except RecursionError as error:
        raise invalid_argument("JSON Parse error: Nested too deep") from error
    if not isinstance(document, dict):
        raise invalid_argument(f"JSON Value: {_echo(document)} Is not object")
    if "inputs" in document and "instances" in document:
        raise invalid_argument(
            f"JSON Value: {_echo(document)} Not formatted correctly expecting only one of 'inputs' or 'instances' "
            "keys to exist "
        )
    if not isinstance(document.get("signature_name", ""), str):
        raise invalid_argument(f"JSON Value: {_echo(document)} 'signature_name' key must be a string value.")
    return document


def read_inputs(document: dict[str, Any], infos: Sequence[TensorInfo]) -> dict[str, Array]:
    """Read the inputs, given by column (`inputs`) or by row (`instances`)."""
    if "inputs" in document:
        return _read_columns(document["inputs"], infos)
    if "instances" not in document:
        raise invalid_argument("Missing 'inputs' or 'instances' key")
    rows = document["instances"]
    if not isinstance(rows, list):
        raise invalid_argument(f"JSON Value: {_echo(document)} Expecting 'instances' to be an list/array")
    if not rows:
        raise invalid_argument(f"JSON Value: {_echo(document)} No values in 'instances' array")
    return _read_rows(rows, infos)


def _read_columns(inputs: Any, infos: Sequence[TensorInfo]) -> dict[str, Array]:
    named = isinstance(inputs, dict) and not _is_bytes(inputs)
    if not named and len(infos) != 1:
        raise invalid_argument(
            "inputs is a plain value/list, but expecting an object as multiple input tensors required"
        )
    arrays = {}
    for info in infos:
        if named and info.alias not in inputs:
            raise invalid_argument(f"Missing named input: {info.alias} in 'inputs' object.")
        value = inputs[info.alias] if named else inputs
        shape = _shape(value)
        arrays[info.alias] = _array(_leaves(value, shape, _converter(info)), info).reshape(shape)
    return arrays


def _read_rows(rows: list[Any], infos: Sequence[TensorInfo]) -> dict[str, Array]:
    named = isinstance(rows[0], dict) and not _is_bytes(rows[0])
    if not named and len(infos) != 1:
        raise invalid_argument(
            "instances is a plain list, but expecting list of objects as multiple input tensors required as per "
            "tensorinfo_map"
        )
    if named:
        _check_keys(rows, {info.alias for info in infos})
    return {info.alias: _read_column_of(rows, info, named) for info in infos}


def _check_keys(rows: list[Any], aliases: set[str]) -> None:
    for index, row in enumerate(rows):
        where = f"Failed to process element: {index}"
        if not isinstance(row, dict):
            raise invalid_argument(
                f"{where} of 'instances' list. Error: INVALID_ARGUMENT: Expecting object but got list/base type"
            )
        for key in row.keys() - aliases:
            raise invalid_argument(
                f"{where} key: {key} of 'instances' list. Error: INVALID_ARGUMENT: JSON object: does not have named "
                f"input: {key}"
            )
        if row.keys() != aliases:
            raise invalid_argument(f"{where} of 'instances' list. Error: INVALID_ARGUMENT: JSON object: misses inputs")


def _read_column_of(rows: list[Any], info: TensorInfo, named: bool) -> Array:
    convert = _converter(info)
    shape, leaves = None, []
    for index, row in enumerate(rows):
        value = row[info.alias] if named else row
        shape = _shape(value) if shape is None else shape
        try:
            leaves += _leaves(value, shape, convert)
        except ServingError as error:
            key = f" key: {info.alias}" if named else ""
            message = f"Failed to process element: {index}{key} of 'instances' list. Error: {error}"
            raise ServingError(error.code, message) from error
    return _array(leaves, info).reshape(len(rows), *(shape or ()))


def _shape(value: Any) -> tuple[int, ...]:
    """Return the shape, from the first element at each depth."""
    shape = []
    while isinstance(value, list):
        shape.append(len(value))
        if not value:
            break
        value = value[0]
    return tuple(shape)


def _leaves(value: Any, shape: tuple[int, ...], convert: Callable[[Any], Any]) -> list[Any]:
    level = [value]
    for length in shape:
        if not all(isinstance(part, list) and len(part) == length for part in level):
            expected, actual = int(np.prod(shape)), _count(value)
            raise invalid_argument(f"Expecting tensor size: {expected} but got: {actual}")
        level = [element for part in level for element in part]
    return [convert(leaf) for leaf in level]


def _count(value: Any) -> int:
    return sum(map(_count, value)) if isinstance(value, list) else 1


def _array(leaves: list[Any], info: TensorInfo) -> Array:
    array = np.empty(len(leaves), info.dtype)
    try:
        array[:] = leaves
    except OverflowError as error:
        raise invalid_argument(f"JSON Value: out of range of type: {TYPE_NAMES[info.dtype]}") from error
    return array


def _converter(info: TensorInfo) -> Callable[[Any], Any]:
    """Return the function that checks and converts one element; ints are accepted as floats, floats not as ints."""
    kind, name = info.dtype.kind, TYPE_NAMES.get(info.dtype, "unknown")
    expected: dict[str, tuple[type, ...]] = {"f": (int, float), "i": (int,), "u": (int,), "b": (bool,), "O": (str,)}

    def convert(value: Any) -> Any:
        if info.dtype not in _READABLE:
            message = f"Conversion of JSON Value: {_echo(value)} to type: {name}"
            raise ServingError(Code.UNIMPLEMENTED, message)
        if kind == "O" and _is_bytes(value):
            return _decode_base64(value["b64"])
        if not isinstance(value, expected[kind]) or (isinstance(value, bool) and kind != "b"):
            raise invalid_argument(
                f"JSON Value: {_echo(value)} Type: {_type_name(value)} is not of expected type: {name}"
            )
        return value.encode() if isinstance(value, str) else value

    return convert


def _is_bytes(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() == {"b64"}


def _decode_base64(text: Any) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (TypeError, ValueError, binascii.Error) as error:
        raise invalid_argument(f"JSON Value: {_echo(text)} is not properly base64 encoded") from error


def _type_name(value: Any) -> str:
    if isinstance(value, bool):
        return str(value)
    return {str: "String", int: "Number", float: "Number", list: "Array", dict: "Object"}.get(type(value), "Null")


def _echo(value: Any) -> str:
    return json.dumps(value)[:_MAX_ECHO]
