"""The body of the Open Inference Protocol's infer reply: JSON, after it the tensors that were asked for as bytes."""

import struct
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import orjson
from flask import Response

from serving.errors import MalformedRequest
from serving.gateway.body import kind
from serving.gateway.inference_v2_request import JSON_LENGTH, parameters, tensor_name
from serving.gateway.replies import json_reply
from serving.gateway.tensors import BYTES, FP64


def wanted_outputs(document: Mapping[str, Any], known: Sequence[str]) -> dict[str, bool]:
    """Give the names of the outputs that are asked for, and whether as bytes; raises MalformedRequest."""
    default = parameters(document).get("binary_data_output", False) is True
    asked = document.get("outputs", [])
    if not isinstance(asked, list):
        raise MalformedRequest(f"expected 'outputs' as an array, got {kind(asked)}")
    wanted = {}
    for place, output in enumerate(asked or [{"name": name} for name in known]):
        name, asks = tensor_name(output, place), parameters(output)
        if name not in known:
            raise MalformedRequest(f"expected as outputs some of {', '.join(known)}, got {name[:60]!r}")
        if other := [key for key in asks if key not in ("binary_data", "classification")]:
            raise MalformedRequest(f"output {name!r}: the parameter {other[0][:60]!r} is not supported")
        if asks.get("classification"):
            raise MalformedRequest(f"output {name!r}: ask for 'labels' and 'scores' instead of a classification")
        wanted[name] = asks.get("binary_data", default) is True
    return wanted


def infer_reply(reply: dict[str, Any], columns: Mapping[str, Sequence[Any]], outputs: Mapping[str, bool]) -> Response:
    """Add to *reply* the *columns* that *outputs* names; True in there asks for bytes instead of JSON."""
    tensors, blobs = [], []
    for name, as_bytes in outputs.items():
        array = np.asarray(columns[name])
        is_number = array.dtype.kind == "f"
        tensor = {"name": name, "datatype": FP64 if is_number else BYTES, "shape": array.shape}
        flat = array.ravel().tolist()
        if as_bytes:
            blobs.append(array.astype("<f8").tobytes() if is_number else b"".join(map(_counted, flat)))
            tensors.append({**tensor, "parameters": {"binary_data_size": len(blobs[-1])}})
        else:
            tensors.append({**tensor, "data": flat})
    if not blobs:
        return json_reply({**reply, "outputs": tensors})
    head = orjson.dumps({**reply, "outputs": tensors})
    headers = {JSON_LENGTH: str(len(head))}
    return Response(b"".join([head, *blobs]), headers=headers, mimetype="application/octet-stream")


def _counted(text: str) -> bytes:
    data = text.encode()
    return struct.pack("<I", len(data)) + data
