"""Answers TensorFlow Serving's PredictRequest with a servable."""

from typing import Any

from tensorflow_serving.apis import predict_pb2

from serving.runtime.engine import DEFAULT_SIGNATURE
from serving.runtime.errors import invalid_argument
from serving.runtime.servable import Servable
from serving.runtime.signature import Signature
from serving.runtime.tensor_messages import Array, decode, encode


def predict(servable: Servable, request: Any, as_content: bool, deadline: float | None) -> Any:
    """Answer a PredictRequest with this servable; the caller sets name and version in the answer."""
    name = request.model_spec.signature_name or DEFAULT_SIGNATURE
    signature = servable.signature(name)
    given = _decode_inputs(signature, request.inputs)
    outputs = signature.select_outputs(request.output_filter)
    arrays = signature.arrange(given)
    response = predict_pb2.PredictResponse()
    for info, array in zip(outputs, servable.run(signature, arrays, outputs, deadline), strict=True):
        encode(array, as_content, response.outputs[info.alias])
    response.model_spec.signature_name = name
    return response


def _decode_inputs(signature: Signature, protos: Any) -> dict[str, Array]:
    signature.check_names(protos)
    arrays = {}
    for alias in protos:
        try:
            arrays[alias] = decode(protos[alias])
        except ValueError as error:
            raise invalid_argument(f"tensor parsing error: {alias}") from error
    return arrays
