"""The body of the Open Inference Protocol's infer request, with its binary tensor extension.

It is JSON, after which the data of some tensors may follow as bytes; the header Inference-Header-Content-Length then
tells where the JSON ends.
"""

import math
import struct
from collections.abc import Mapping, Sequence
from typing import Any

import flask
import numpy as np

from serving.contract import Contract
from serving.errors import MalformedRequest
from serving.gateway.body import kind, parse_json, read_body
from serving.gateway.instances import Instances, pointer
from serving.gateway.tensors import BYTES, FP64, as_text, file_fields, input_tensors, rows

JSON_LENGTH = "Inference-Header-Content-Length"

NUMBERS = {
    **{"FP16": "<f2", "FP32": "<f4", FP64: "<f8"},
    **{"INT8": "<i1", "INT16": "<i2", "INT32": "<i4", "INT64": "<i8"},
    **{"UINT8": "<u1", "UINT16": "<u2", "UINT32": "<u4", "UINT64": "<u8"},
}


def read_document(request: flask.Request, most_depth: int) -> tuple[dict[str, Any], memoryview]:
    """Read the JSON of an infer request, and the bytes after it; raises MalformedRequest."""
    body = read_body(request)
    length = request.headers.get(JSON_LENGTH, str(len(body)))
    if not (length.isdecimal() and len(length) < 12 and int(length) <= len(body)):
        raise MalformedRequest(f"expected in {JSON_LENGTH} at most the body's length {len(body)}, got {length[:40]!r}")
    document = parse_json(body[: int(length)], most_depth)
    if not isinstance(document, dict):
        raise MalformedRequest(f"expected a JSON object with 'inputs', got {kind(document)}")
    if not isinstance(document.get("id", ""), str):
        raise MalformedRequest(f"expected 'id' as a string, got {kind(document['id'])}")
    return document, memoryview(body)[int(length) :]


def read_inputs(document: Mapping[str, Any], binary: memoryview, contract: Contract) -> Instances:
    """Turn the input tensors into instances; raises MalformedRequest."""
    inputs = document.get("inputs")
    if not (isinstance(inputs, list) and inputs):
        raise MalformedRequest("expected 'inputs' as an array of tensors")
    datatypes = {info.name: info.datatype for info in input_tensors(contract)}
    files = file_fields(contract)
    columns: dict[str, Sequence[Any]] = {}
    for place, tensor in enumerate(inputs):
        name = tensor_name(tensor, place)
        if name in columns:
            raise MalformedRequest(f"input {name[:60]!r} stands there twice")
        size = _binary_size(tensor)
        values = _values(tensor, name, binary[:size], datatypes.get(name))
        binary = binary[size:]
        is_text = isinstance(values[0], bytes) and name not in files if values else False
        columns[name] = [as_text(value) for value in values] if is_text else values
    if binary:
        raise MalformedRequest(f"{len(binary)} bytes are left over after the data of all inputs")
    return Instances(rows(columns), _pointer(inputs, list(columns)))


def tensor_name(tensor: Any, place: int) -> str:
    """Give the name of a tensor; raises MalformedRequest."""
    name = tensor.get("name") if isinstance(tensor, dict) else None
    if not isinstance(name, str):
        raise MalformedRequest(f"expected an object with a 'name' for tensor {place}")
    return name


def parameters(owner: Mapping[str, Any]) -> Mapping[str, Any]:
    """Give the parameters of a request or a tensor; raises MalformedRequest."""
    given = owner.get("parameters", {})
    if not isinstance(given, dict):
        raise MalformedRequest(f"expected 'parameters' as an object, got {kind(given)}")
    return given


def _binary_size(tensor: Mapping[str, Any]) -> int:
    size = parameters(tensor).get("binary_data_size", 0)
    if isinstance(size, bool) or not isinstance(size, int) or size < 0:
        raise MalformedRequest("expected 'binary_data_size' as a number of bytes")
    return size


def _values(tensor: Mapping[str, Any], name: str, data: memoryview, expected: str | None) -> Sequence[Any]:
    """Give the values of an input of shape [n] or [n, 1]; *expected* is its datatype if the model has such an input."""
    datatype = tensor.get("datatype")
    taken = {FP64: NUMBERS, BYTES: (BYTES,), None: (*NUMBERS, BYTES)}[expected]
    if not isinstance(datatype, str) or datatype not in taken:
        came = repr(datatype[:60]) if isinstance(datatype, str) else kind(datatype)
        raise MalformedRequest(f"input {name[:60]!r}: expected datatype {expected or FP64}, got {came}")
    count = _count(tensor, name)
    if "binary_data_size" not in parameters(tensor):
        values = _flat(tensor.get("data"), name)
    elif len(data) != _binary_size(tensor):
        raise MalformedRequest(f"input {name[:60]!r}: {_binary_size(tensor)} bytes were told, {len(data)} came")
    elif datatype == BYTES:
        values = _elements(data, name)
    else:
        dtype = np.dtype(NUMBERS[datatype])
        values = np.frombuffer(data[: len(data) // dtype.itemsize * dtype.itemsize], dtype).tolist()
    if len(values) != count:
        raise MalformedRequest(f"input {name[:60]!r}: its shape tells {count} values, {len(values)} came")
    return values


def _count(tensor: Mapping[str, Any], name: str) -> int:
    shape = tensor.get("shape")
    if not isinstance(shape, list) or not all(type(size) is int and size >= 0 for size in shape):
        raise MalformedRequest(f"input {name[:60]!r}: expected 'shape' as an array of sizes")
    if len(shape) not in (1, 2) or shape[1:] not in ([], [1]):
        raise MalformedRequest(f"input {name[:60]!r}: expected shape [n] or [n, 1], got {str(shape)[:60]}")
    return math.prod(shape)


def _flat(data: Any, name: str) -> list[Any]:
    if not isinstance(data, list):
        raise MalformedRequest(f"input {name[:60]!r}: expected 'data' as an array, got {kind(data)}")
    return [value for row in data for value in row] if _is_nested(data) else data


def _is_nested(data: Any) -> bool:
    return bool(data) and isinstance(data, list) and all(isinstance(row, list) for row in data)


def _elements(data: memoryview, name: str) -> list[bytes]:
    """Split BYTES data: each element follows its length as a little-endian uint32."""
    values, place = [], 0
    while place < len(data):
        end = place + 4
        if end <= len(data):
            end += struct.unpack_from("<I", data, place)[0]
        if end > len(data) or end < place + 4:
            raise MalformedRequest(f"input {name[:60]!r}: its bytes end within an element")
        values.append(bytes(data[place + 4 : end]))
        place = end
    return values


def _pointer(inputs: Sequence[Mapping[str, Any]], names: Sequence[str]) -> Any:
    def place(index: int, field: str) -> str:
        if field not in names:
            return pointer("inputs")
        number = names.index(field)
        if "data" not in inputs[number]:
            return pointer("inputs", number)
        return pointer("inputs", number, "data", index, *([0] if _is_nested(inputs[number]["data"]) else []))

    return place
