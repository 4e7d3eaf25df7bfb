"""The body of the Open Inference Protocol's infer request, with its binary tensor extension.

It is JSON, which the data of some tensors may follow as bytes. The header Inference-Header-Content-Length then says
where the JSON ends. An optional member that is null counts as absent, since clients with typed models write it so.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import flask

from serving.contract import Contract
from serving.errors import MalformedRequest
from serving.gateway.protocols.body import kind, parse_json, read_body
from serving.gateway.protocols.inference_v2_tensors import InputTensor, Parameters, read_instances, refuse_shared_memory
from serving.gateway.protocols.named_tensors import input_tensors
from serving.gateway.protocols.predict_body import Instances, Path, Pointer, pointer

JSON_LENGTH = "Inference-Header-Content-Length"


def read_document(request: flask.Request, max_depth: int) -> tuple[dict[str, Any], memoryview]:
    """Read the JSON of an infer request, and the bytes after it. Raise MalformedRequest."""
    body = read_body(request)
    length = request.headers.get(JSON_LENGTH, str(len(body)))
    if not (length.isdecimal() and len(length) < 12 and int(length) <= len(body)):
        raise MalformedRequest(f"expected {JSON_LENGTH} of at most the body's {len(body)} bytes, got {length[:40]!r}")
    document = parse_json(body[: int(length)], max_depth)
    if not isinstance(document, dict):
        raise MalformedRequest(f"expected a JSON object with 'inputs', got {kind(document)}")
    if not isinstance(document.get("id"), str | None):
        raise MalformedRequest(f"expected 'id' as a string, got {kind(document['id'])}")
    return document, memoryview(body)[int(length) :]


def read_inputs(document: Mapping[str, Any], binary: memoryview, contract: Contract) -> Instances:
    """Turn the input tensors into instances. Raise MalformedRequest."""
    inputs = document.get("inputs")
    if not (isinstance(inputs, list) and inputs):
        names = ", ".join(info.name for info in input_tensors(contract))
        raise MalformedRequest(f"expected 'inputs' as an array of tensors: {names}")
    tensors = []
    for place, tensor in enumerate(inputs):
        name, options = tensor_name(tensor, place), parameters(tensor)
        refuse_shared_memory(f"input {name[:60]!r}", options)
        size = _binary_size(options)
        values = _flat(tensor.get("data"), name) if size is None else _taken(binary, size, name)
        binary = binary[size or 0 :]
        tensors.append(InputTensor(name, tensor.get("datatype"), tensor.get("shape"), values))
    if binary:
        raise MalformedRequest(f"expected no bytes after the data of all inputs, got {len(binary)}")
    return read_instances(tensors, contract, _pointer(inputs, [tensor.name for tensor in tensors]))


def requested_outputs(document: Mapping[str, Any]) -> list[tuple[str, Parameters]]:
    """Return the requested outputs with their parameters. Raise MalformedRequest."""
    requested = document.get("outputs")
    if not isinstance(requested, list | None):
        raise MalformedRequest(f"expected 'outputs' as an array, got {kind(requested)}")
    return [(tensor_name(output, place), parameters(output)) for place, output in enumerate(requested or ())]


def tensor_name(tensor: Any, place: int) -> str:
    """Return the name of a tensor. Raise MalformedRequest."""
    name = tensor.get("name") if isinstance(tensor, dict) else None
    if not isinstance(name, str):
        raise MalformedRequest(f"expected an object with a 'name' for tensor {place}")
    return name


def parameters(owner: Mapping[str, Any]) -> Parameters:
    """Return the parameters of a request or a tensor. Raise MalformedRequest."""
    found = owner.get("parameters")
    if not isinstance(found, dict | None):
        raise MalformedRequest(f"expected 'parameters' as an object, got {kind(found)}")
    return found or {}


def _binary_size(options: Parameters) -> int | None:
    """Return the number of bytes of the data, or None if they are in the JSON."""
    size = options.get("binary_data_size")
    if size is not None and (type(size) is not int or size < 0):
        raise MalformedRequest("expected 'binary_data_size' as a number of bytes")
    return size


def _taken(binary: memoryview, size: int, name: str) -> memoryview:
    if len(binary) < size:
        raise MalformedRequest(f"input {name[:60]!r}: expected {size} bytes of data, got {len(binary)}")
    return binary[:size]


def _flat(data: Any, name: str) -> Sequence[Any]:
    if not isinstance(data, list):
        raise MalformedRequest(f"input {name[:60]!r}: expected 'data' as an array, got {kind(data)}")
    while _is_nested(data):
        data = [value for row in data for value in row]
    return data  # type: ignore[no-any-return]


def _is_nested(data: Any) -> bool:
    return bool(data) and isinstance(data, list) and all(isinstance(row, list) for row in data)


def _pointer(inputs: Sequence[Mapping[str, Any]], names: Sequence[str]) -> Pointer:
    def place(index: int, path: Path) -> str:
        if not path or path[0] not in names:
            return pointer("inputs")
        number = names.index(str(path[0]))
        data = inputs[number].get("data")
        if not isinstance(data, list):
            return pointer("inputs", number)
        return pointer("inputs", number, "data", index, *(path[1:] or ([0] if _is_nested(data) else [])))

    return place
