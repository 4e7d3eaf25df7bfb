"""The body of the Open Inference Protocol's infer reply: JSON, then the tensors that were requested as bytes."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from flask import Response

from serving.gateway.protocols.inference_v2_request import JSON_LENGTH
from serving.gateway.protocols.inference_v2_tensors import output_of
from serving.gateway.replies import json_reply


def infer_reply(
    reply: Mapping[str, Any], columns: Mapping[str, Sequence[Any]], outputs: Mapping[str, bool]
) -> Response:
    """Add to *reply* those of *columns* that *outputs* names: as bytes if its value is True, else as JSON."""
    tensors, blobs = [], []
    for name, as_bytes in outputs.items():
        output = output_of(name, columns)
        tensor: dict[str, Any] = {"name": name, "datatype": output.datatype, "shape": output.values.shape}
        if as_bytes:
            blobs.append(output.binary())
            tensors.append({**tensor, "parameters": {"binary_data_size": len(blobs[-1])}})
        else:
            tensors.append({**tensor, "data": output.flat()})
    if not blobs:
        return json_reply({**reply, "outputs": tensors})
    head = orjson.dumps({**reply, "outputs": tensors})
    headers = {JSON_LENGTH: str(len(head))}
    return Response(b"".join([head, *blobs]), headers=headers, mimetype="application/octet-stream")
