"""A client on TensorFlow Serving's own stubs."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_management_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from tests.conformance.servers import wait_for

TIMEOUT = 30
STATES = {10: "START", 20: "LOADING", 30: "AVAILABLE", 40: "UNLOADING", 50: "END"}
FOUR = np.ones((1, 4), np.float32)


class Client:
    """Calls one server; errors are grpc.RpcError."""

    def __init__(self, address: str) -> None:
        self.channel = grpc.insecure_channel(address, [("grpc.max_receive_message_length", -1)])
        self.predictions = prediction_service_pb2_grpc.PredictionServiceStub(self.channel)
        self.models = model_service_pb2_grpc.ModelServiceStub(self.channel)

    def predict(self, model: str, outputs: tuple[str, ...] = (), **inputs: Any) -> Any:
        return self.send(request(model, outputs=outputs, **inputs))

    def send(self, message: Any) -> Any:
        return self.predictions.Predict(message, timeout=TIMEOUT, wait_for_ready=True)

    def metadata(self, model: str, *fields: str) -> Any:
        message = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=fields)
        message.model_spec.name = model
        return self.predictions.GetModelMetadata(message, timeout=TIMEOUT)

    def status(self, model: str, version: int | None = None) -> Any:
        message = get_model_status_pb2.GetModelStatusRequest()
        message.model_spec.name = model
        if version is not None:
            message.model_spec.version.value = version
        return self.models.GetModelStatus(message, timeout=TIMEOUT)

    def states(self, model: str) -> dict[int, str]:
        """Give each version's state, in the order of the answer."""
        try:
            return {each.version: STATES[each.state] for each in self.status(model).model_version_status}
        except grpc.RpcError:
            return {}

    def await_states(self, model: str, **expected: str) -> None:
        """Wait for states, given as v1="AVAILABLE"."""
        wanted = {int(key[1:]): state for key, state in expected.items()}
        wait_for(lambda: self.states(model).items() >= wanted.items(), f"{model}: {wanted}")

    def reload(self, config: Any, timeout: float = TIMEOUT) -> Any:
        message = model_management_pb2.ReloadConfigRequest(config=config)
        return self.models.HandleReloadConfigRequest(message, timeout=timeout)


def request(
    model: str, signature: str = "", version: int | None = None, label: str = "", outputs: Any = (), **inputs: Any
) -> Any:
    """Make a PredictRequest; inputs are arrays, lists or TensorProtos."""
    message = predict_pb2.PredictRequest(output_filter=outputs)
    message.model_spec.name = model
    message.model_spec.signature_name = signature
    if version is not None:
        message.model_spec.version.value = version
    if label:
        message.model_spec.version_label = label
    for name, value in inputs.items():
        message.inputs[name].CopyFrom(value if hasattr(value, "tensor_shape") else tf.make_tensor_proto(value))
    return message


def values(answer: Any) -> dict[str, list[Any]]:
    """Read the outputs into lists."""
    return {name: tf.make_ndarray(proto).tolist() for name, proto in answer.outputs.items()}


@contextmanager
def refused(code: str, text: str | None = None) -> Iterator[None]:
    """Expect a call to fail with this code and, if given, just this text."""
    with pytest.raises(grpc.RpcError) as caught:
        yield
    assert caught.value.code().name == code, caught.value.details()
    if text is not None:
        assert caught.value.details() == text
