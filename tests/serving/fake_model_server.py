"""A model server on a real socket that needs no TensorFlow: it answers with the stand-in of `contracts.scores`."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent import futures
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import numpy as np

from serving.contract import Contract
from serving.contract.arrays import Array, Features
from serving.tfserving import wire_pb2 as wire
from serving.tfserving.tensor_protos import from_proto, to_proto
from tests.serving.contracts import scores, text_contract

Model = Callable[[Features], Array | Mapping[str, Array]]
"""Gives the scores, or several outputs by name."""


class Refused(Exception):
    """A model raises it for input that it finds wrong."""


@dataclass
class FakeModelServer:
    """Versions are published and withdrawn while it runs; `stop` and `start` keep the address."""

    versions: dict[str, dict[int, tuple[bytes, Model]]] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)  # model -> why its versions did not load
    loading: set[tuple[str, int]] = field(default_factory=set)  # told as such, whether they answer or not
    failure: tuple[grpc.StatusCode, str] | None = None  # what Predict answers instead
    delay_seconds: float = 0.0
    hurry: threading.Event = field(default_factory=threading.Event)  # ends the delays, those under way too
    answers_as: int | None = None  # the version that a reply claims to be of
    labels: dict[tuple[str, str], int] = field(default_factory=dict)
    contracts_sent: int = 0
    rows: list[int] = field(default_factory=list)  # of each Predict that was asked for scores
    sizes: list[int] = field(default_factory=list)  # of the same, in bytes
    deadlines: list[float] = field(default_factory=list)  # of the same, in seconds
    host: str = "127.0.0.1"
    port: int = 0
    credentials: grpc.ServerCredentials | None = None
    metadata: list[dict[str, str | bytes]] = field(default_factory=list)  # of each Predict that was asked for scores

    def publish(self, contract: Contract, version: int = 1, weights: int = 0, model: Model | None = None) -> None:
        run = model or (lambda features: scores(features, contract.answers.specs["scores"].shape[1] or 0, weights))
        served = self.versions.get(contract.model, {})
        self.versions[contract.model] = {**served, version: (contract.to_json().encode(), run)}

    def withdraw(self, model: str, version: int) -> None:
        self.versions[model] = {number: it for number, it in self.versions[model].items() if number != version}

    def forget(self) -> None:
        """Count requests from now on."""
        for counted in (self.rows, self.sizes, self.deadlines, self.metadata):
            counted.clear()

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"

    def start(self) -> "FakeModelServer":
        self._server = grpc.server(futures.ThreadPoolExecutor(32), options=[("grpc.so_reuseport", 0)])
        self._server.add_generic_rpc_handlers(
            (
                _service("PredictionService", "Predict", self._predict, wire.PredictRequest),
                _service("PredictionService", "GetModelMetadata", self._metadata, wire.GetModelMetadataRequest),
                _service("ModelService", "GetModelStatus", self._status, wire.GetModelStatusRequest),
            )
        )
        if self.credentials:
            self.port = self._server.add_secure_port(self.address, self.credentials)
        else:
            self.port = self._server.add_insecure_port(self.address)
        self._server.start()
        return self

    def stop(self) -> None:
        self._server.stop(grace=None).wait()

    def _predict(self, request: Any, context: grpc.ServicerContext) -> wire.PredictResponse:
        spec = request.model_spec
        asks_contract = spec.signature_name == "contract"
        if not asks_contract:
            self.rows.append(next(iter(request.inputs.values())).tensor_shape.dim[0].size)
            self.sizes.append(request.ByteSize())
            self.deadlines.append(context.time_remaining() or 0.0)
            self.metadata.append(dict(context.invocation_metadata()))
            self.hurry.wait(self.delay_seconds)
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
            try:
                answer = run(inputs)
                for name, array in (answer if isinstance(answer, Mapping) else {"scores": answer}).items():
                    _typed(array, response.outputs[name])
            except Refused as error:
                context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        return response

    def _metadata(self, request: Any, context: grpc.ServicerContext) -> wire.GetModelMetadataResponse:
        spec = request.model_spec
        if (spec.name, spec.version_label) not in self.labels:
            context.abort(
                grpc.StatusCode.INVALID_ARGUMENT, f"Unrecognized servable version label: {spec.version_label}"
            )
        version = self.labels[spec.name, spec.version_label]
        if version not in self.versions.get(spec.name, {}):
            context.abort(grpc.StatusCode.NOT_FOUND, "Servable not found for request")
        response = wire.GetModelMetadataResponse()
        response.model_spec.version.value = version
        return response

    def _status(self, request: Any, context: grpc.ServicerContext) -> wire.GetModelStatusResponse:
        name = request.model_spec.name
        response = wire.GetModelStatusResponse()
        loading = {number for model, number in self.loading if model == name}
        for version in loading | self.versions.get(name, {}).keys():
            state = wire.ModelVersionStatus.LOADING if version in loading else wire.ModelVersionStatus.AVAILABLE
            response.model_version_status.add(version=version, state=state)
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


def wait_until(condition: Callable[[], bool], seconds: float = 30.0) -> float:
    """Wait for *condition*; gives the seconds that it took."""
    start = time.monotonic()
    while not condition():
        assert time.monotonic() < start + seconds, "waited in vain"
        threading.Event().wait(0.01)
    return time.monotonic() - start


@contextlib.contextmanager
def in_a_process(
    address: str = "127.0.0.1:0", delay_seconds: float = 0.0
) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A server of `sentiment` that can be killed or stopped by a signal; gives its address and process."""
    command = [sys.executable, "-m", __name__, address, str(delay_seconds)]
    root = Path(__file__).parents[2]
    process = subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip(), process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGCONT)
        process.kill()
        process.wait()
        process.stdout.close()


if __name__ == "__main__":
    host, _, port = sys.argv[1].rpartition(":")
    server = FakeModelServer(host=host, port=int(port), delay_seconds=float(sys.argv[2]))
    server.publish(text_contract())
    print(server.start().address, flush=True)
    threading.Event().wait()
