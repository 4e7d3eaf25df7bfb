"""Converts the Open Inference Protocol's gRPC messages to its HTTP requests, and its HTTP replies to gRPC messages.

Data are sent as bytes in both, so the same checks, limits and counts apply to both transports.
"""

import struct
from collections.abc import Mapping
from typing import Any

import numpy as np
import orjson
from google.protobuf.message import Message

from serving.errors import MalformedRequest
from serving.gateway.protocols import open_inference_pb2 as pb
from serving.gateway.protocols.inference_v2_tensors import NUMBERS
from serving.gateway.protocols.named_tensors import BYTES

_CONTENTS = {
    "BOOL": "bool_contents",
    **dict.fromkeys(("INT8", "INT16", "INT32"), "int_contents"),
    "INT64": "int64_contents",
    **dict.fromkeys(("UINT8", "UINT16", "UINT32"), "uint_contents"),
    "UINT64": "uint64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    "BYTES": "bytes_contents",
}
"""The protocol's field for each datatype. Other datatypes can only be sent as raw bytes."""
_AS_BYTES = {"binary_data_output": True}


def infer_body(request: pb.ModelInferRequest) -> tuple[bytes, int]:
    """Return the body of the HTTP request, and the number of its bytes that are JSON. Raise MalformedRequest."""
    raw = list(request.raw_input_contents)
    if raw and len(raw) != len(request.inputs):
        raise MalformedRequest(f"expected raw_input_contents for all {len(request.inputs)} inputs, got {len(raw)}")
    inputs, blobs = [], []
    for place, tensor in enumerate(request.inputs):
        entry: dict[str, Any] = {"name": tensor.name, "datatype": tensor.datatype, "shape": list(tensor.shape)}
        entry["parameters"] = _parameters(tensor.parameters)
        _check_place(tensor, bool(raw))
        data = raw[place] if raw else _elements(tensor)
        if data is None:
            entry["data"] = list(getattr(tensor.contents, _contents(tensor)))
        else:
            entry["parameters"]["binary_data_size"] = len(data)
            blobs.append(data)
        inputs.append(entry)
    document: dict[str, Any] = {"parameters": _parameters(request.parameters) | _AS_BYTES, "inputs": inputs}
    if request.id:
        document["id"] = request.id
    if request.outputs:
        document["outputs"] = [
            {"name": output.name, "parameters": _parameters(output.parameters) | {"binary_data": True}}
            for output in request.outputs
        ]
    head = orjson.dumps(document)
    return b"".join([head, *blobs]), len(head)


def infer_response(body: bytes, json_length: int) -> pb.ModelInferResponse:
    """Read the body of the HTTP reply, whose first *json_length* bytes are JSON."""
    document = orjson.loads(body[:json_length])
    response = pb.ModelInferResponse(
        model_name=document["model_name"], model_version=document["model_version"], id=document.get("id", "")
    )
    rest = body[json_length:]
    for output in document["outputs"]:
        response.outputs.add(name=output["name"], datatype=output["datatype"], shape=output["shape"])
        size = output["parameters"]["binary_data_size"]
        response.raw_output_contents.append(rest[:size])
        rest = rest[size:]
    return response


def read_message(message: Message, document: Mapping[str, Any]) -> Any:
    """Fill *message* with the members of *document* for which it has fields."""
    for name, value in document.items():
        field = message.DESCRIPTOR.fields_by_name.get(name)
        if field is None or value is None:
            continue
        if field.message_type:
            for each in value:
                read_message(getattr(message, name).add(), each)
        elif field.is_repeated:
            getattr(message, name).extend(value)
        else:
            setattr(message, name, value)
    return message


def _check_place(tensor: Any, is_raw: bool) -> None:
    """Raise MalformedRequest if an input has data in a field that is not read."""
    filled = [field.name for field, _ in tensor.contents.ListFields()]
    expected = "raw_input_contents" if is_raw else _contents(tensor)
    if others := [name for name in filled if name != expected]:
        raise MalformedRequest(
            f"input {tensor.name[:60]!r}: expected its data only in {expected}, got some in {', '.join(others)}"
        )


def _elements(tensor: Any) -> bytes | None:
    """Return an input's elements as bytes, which unlike JSON can represent all numbers, or None for BOOL.

    Each element of BYTES follows its length.
    """
    values = getattr(tensor.contents, _contents(tensor))
    if tensor.datatype == BYTES:
        return b"".join(struct.pack("<I", len(data)) + data for data in values)
    if tensor.datatype not in NUMBERS:
        return None
    try:
        return np.array(list(values), NUMBERS[tensor.datatype]).tobytes()
    except OverflowError as error:
        name, kind = tensor.name[:60], tensor.datatype
        raise MalformedRequest(f"input {name!r}: expected numbers that {kind} can hold: {error}") from error


def _contents(tensor: Any) -> str:
    if tensor.datatype not in _CONTENTS:
        known = ", ".join(_CONTENTS)
        raise MalformedRequest(
            f"input {tensor.name[:60]!r}: expected datatype {known}, or the data in raw_input_contents, got "
            f"{tensor.datatype[:60]!r}"
        )
    return _CONTENTS[tensor.datatype]


def _parameters(parameters: Mapping[str, pb.InferParameter]) -> dict[str, Any]:
    chosen = ((name, value, value.WhichOneof("parameter_choice")) for name, value in parameters.items())
    return {name: getattr(value, choice) for name, value, choice in chosen if choice}
