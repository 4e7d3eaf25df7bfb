"""A model server on a real socket that needs no TensorFlow: it answers with the stand-in of `contracts.scores`."""

import threading
import time
from collections.abc import Callable
from concurrent import futures
from dataclasses import dataclass, field
from typing import Any

import grpc
import numpy as np

from serving.contract import Contract
from serving.contract.tensors import Array, Features
from serving.tfserving import wire_pb2 as wire
from serving.tfserving.tensors import from_proto, to_proto
from tests.serving.contracts import scores

Model = Callable[[Features], Array]


@dataclass
class FakeModelServer:
    """Versions are published and withdrawn while it runs; `stop` and `start` keep the address."""

    versions: dict[str, dict[int, tuple[bytes, Model]]] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)  # model -> why its versions did not load
    failure: tuple[grpc.StatusCode, str] | None = None  # what Predict answers instead
    delay_seconds: float = 0.0
    answers_as: int | None = None  # the version that a reply claims to be of
    contracts_sent: int = 0
    port: int = 0

    def publish(self, contract: Contract, version: int = 1, weights: int = 0, model: Model | None = None) -> None:
        width = contract.output.width
        run = model or (lambda features: scores(features, width, weights))
        served = self.versions.get(contract.model, {})
        self.versions[contract.model] = {**served, version: (contract.to_json().encode(), run)}

    def withdraw(self, model: str, version: int) -> None:
        self.versions[model] = {number: it for number, it in self.versions[model].items() if number != version}

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self) -> "FakeModelServer":
        self._server = grpc.server(futures.ThreadPoolExecutor(16), options=[("grpc.so_reuseport", 0)])
        self._server.add_generic_rpc_handlers(
            (
                _service("PredictionService", "Predict", self._predict, wire.PredictRequest),
                _service("ModelService", "GetModelStatus", self._status, wire.GetModelStatusRequest),
            )
        )
        self.port = self._server.add_insecure_port(f"127.0.0.1:{self.port}")
        self._server.start()
        return self

    def stop(self) -> None:
        self._server.stop(grace=None).wait()

    def _predict(self, request: Any, context: grpc.ServicerContext) -> wire.PredictResponse:
        spec = request.model_spec
        asks_contract = spec.signature_name == "contract"
        if not asks_contract:
            time.sleep(self.delay_seconds)
            if self.failure:
                context.abort(*self.failure)
        served = self.versions.get(spec.name, {})
        if spec.version.value not in served:
            context.abort(grpc.StatusCode.NOT_FOUND, "Servable not found for request")
        document, run = served[spec.version.value]
        response = wire.PredictResponse()
        response.model_spec.version.value = self.answers_as or spec.version.value
        inputs = {name: from_proto(proto) for name, proto in request.inputs.items()}
        if asks_contract:
            self.contracts_sent += 1
            to_proto(np.array([document], object), response.outputs["contract"])
        else:
            _typed(run(inputs), response.outputs["scores"])
        return response

    def _status(self, request: Any, context: grpc.ServicerContext) -> wire.GetModelStatusResponse:
        name = request.model_spec.name
        response = wire.GetModelStatusResponse()
        for version in self.versions.get(name, {}):
            response.model_version_status.add(version=version, state=wire.ModelVersionStatus.AVAILABLE)
        if name in self.broken:
            ended = response.model_version_status.add(version=9, state=wire.ModelVersionStatus.END)
            ended.status.error_message = self.broken[name]
        if not response.model_version_status:
            context.abort(grpc.StatusCode.NOT_FOUND, f"Could not find any versions of model {name}")
        return response


def _typed(array: Array, proto: wire.TensorProto) -> None:
    """Write float32 scores as the real server does by default."""
    proto.dtype = wire.DT_FLOAT
    for size in array.shape:
        proto.tensor_shape.dim.add(size=size)
    proto.float_val.extend(array.ravel().tolist())


def _service(name: str, method: str, handler: Any, request: Any) -> grpc.GenericRpcHandler:
    call = grpc.unary_unary_rpc_method_handler(
        handler,
        request_deserializer=request.FromString,
        response_serializer=lambda message: message.SerializeToString(),
    )
    return grpc.method_handlers_generic_handler(f"tensorflow.serving.{name}", {method: call})


def wait_until(condition: Callable[[], bool], seconds: float = 5.0) -> float:
    """Wait for *condition*; gives the seconds that it took."""
    start = time.monotonic()
    while not condition():
        assert time.monotonic() < start + seconds, "waited in vain"
        threading.Event().wait(0.01)
    return time.monotonic() - start
