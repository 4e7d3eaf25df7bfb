"""The model server as the rest of the gateway sees it: three questions, answered in numpy or raised as our errors."""

import os
from dataclasses import dataclass

import grpc
import numpy as np

from serving.contract.tensors import Array, Features
from serving.errors import ModelServerError
from serving.tfserving import wire_pb2 as wire
from serving.tfserving.channel import open_channel
from serving.tfserving.statuses import error_for
from serving.tfserving.tensors import from_proto, to_proto

_PREDICT = "/tensorflow.serving.PredictionService/Predict"
_STATUS = "/tensorflow.serving.ModelService/GetModelStatus"
_CONTRACT = "contract"


@dataclass(frozen=True)
class VersionStatus:
    """The state of a model's version on the model server; *problem* says why it is not served, if that is known."""

    version: int
    available: bool
    problem: str


class _Calls:
    """A channel and the two calls made on it."""

    def __init__(self, address: str) -> None:
        self.channel = open_channel(address)
        self.predict = self.channel.unary_unary(
            _PREDICT, wire.PredictRequest.SerializeToString, wire.PredictResponse.FromString
        )
        self.status = self.channel.unary_unary(
            _STATUS, wire.GetModelStatusRequest.SerializeToString, wire.GetModelStatusResponse.FromString
        )


class ModelServerClient:
    """A client of the model server at `host:port`; safe to share between threads.

    The channel is made at the first call in each process, since gRPC's threads don't survive a fork. So a client may
    be created before a fork; it should not be *used* before it.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self._calls: dict[int, _Calls] = {}

    def predict(
        self, model: str, version: int, features: Features, deadline_seconds: float
    ) -> tuple[int, dict[str, Array]]:
        """Run a version of a model; gives the version that answered, and its outputs by name."""
        request = _request(model, version)
        for name, array in features.items():
            to_proto(array, request.inputs[name])
        return self._predict(request, deadline_seconds)

    def contract(self, model: str, version: int, deadline_seconds: float) -> bytes:
        """Fetch the contract's JSON that a version of a model carries."""
        request = _request(model, version)
        request.model_spec.signature_name = _CONTRACT
        to_proto(np.zeros(1, np.int32), request.inputs["request"])
        _, outputs = self._predict(request, deadline_seconds)
        document = outputs.get(_CONTRACT, np.empty(0))
        if document.shape != (1,) or not isinstance(document[0], bytes):
            raise ModelServerError(model, f"version {version} carries no contract")
        return document[0]

    def versions(self, model: str, deadline_seconds: float) -> tuple[VersionStatus, ...]:
        """List a model's versions, also those that are loading or have ended; UnknownVersion if there are none."""
        request = wire.GetModelStatusRequest(model_spec=wire.ModelSpec(name=model))
        try:
            response = self._own_calls().status(request, timeout=deadline_seconds)
        except grpc.RpcError as error:
            raise error_for(error, model, None) from error
        return tuple(_version_status(status) for status in response.model_version_status)

    def close(self) -> None:
        """Close this process's channel; the next call opens another."""
        calls = self._calls.pop(os.getpid(), None)
        if calls is not None:
            calls.channel.close()

    def _predict(self, request: wire.PredictRequest, deadline_seconds: float) -> tuple[int, dict[str, Array]]:
        model, version = request.model_spec.name, request.model_spec.version.value
        try:
            response = self._own_calls().predict(request, timeout=deadline_seconds)
        except grpc.RpcError as error:
            raise error_for(error, model, version) from error
        outputs = {name: _output(model, name, proto) for name, proto in response.outputs.items()}
        return response.model_spec.version.value, outputs

    def _own_calls(self) -> _Calls:
        process = os.getpid()
        calls = self._calls.get(process)
        if calls is None:
            # Without a lock, which a fork could catch held: of two threads the second's unused channel is dropped.
            calls = self._calls.setdefault(process, _Calls(self.address))
        return calls


def _request(model: str, version: int) -> wire.PredictRequest:
    request = wire.PredictRequest()
    request.model_spec.name = model
    request.model_spec.version.value = version
    return request


def _output(model: str, name: str, proto: wire.TensorProto) -> Array:
    try:
        return from_proto(proto)
    except ValueError as error:
        raise ModelServerError(model, f"output '{name}' can't be read: {error}") from error


def _version_status(status: wire.ModelVersionStatus) -> VersionStatus:
    return VersionStatus(
        version=status.version,
        available=status.state == wire.ModelVersionStatus.AVAILABLE,
        problem=status.status.error_message,
    )
