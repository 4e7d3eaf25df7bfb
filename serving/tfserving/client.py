"""The client of the model server: four calls, which return numpy arrays or raise PredictionErrors."""

import os
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager

import grpc
import numpy as np

from serving.contract.arrays import Array, Features
from serving.errors import ModelServerError, ModelServerRefused, UnknownLabel, UnknownVersion
from serving.tfserving import wire_pb2 as wire
from serving.tfserving.client_tls import Tls
from serving.tfserving.connection import Calls, Connection
from serving.tfserving.credentials import Credentials
from serving.tfserving.statuses import error_for
from serving.tfserving.tensor_protos import from_proto, to_proto
from serving.tfserving.version_status import VersionState, VersionStatus

Metadata = tuple[tuple[str, str | bytes], ...]
CallTrace = Callable[[str, int], AbstractContextManager[Metadata]]
"""Called with the model and version of each prediction; its context lasts as long, and yields gRPC metadata."""

_CONTRACT = "contract"
"""The signature that returns a version's contract, and its output; the input is ignored."""


class ModelServerClient:
    """A client of the model server at `host:port`; safe to share between threads.

    It uses TLS if *tls* is given; *trace* follows each prediction, and *on_rpc* is called with each call's model,
    method, gRPC status and duration in seconds.

    Each process opens its channel at the first call, since gRPC's threads don't survive a fork: a client may be
    created before a fork, but not used.
    """

    def __init__(
        self,
        address: str,
        tls: Tls | None = None,
        trace: CallTrace | None = None,
        on_rpc: Callable[[str, str, str, float], None] = lambda model, method, code, seconds: None,
    ) -> None:
        self.address = address
        self._trace = trace
        self._on_rpc = on_rpc
        self._credentials = Credentials(tls) if tls else None
        self._connections: dict[int, Connection] = {}

    def predict(
        self, model: str, version: int, features: Features, deadline_seconds: float
    ) -> tuple[int, dict[str, Array]]:
        """Run a version of a model; return the version that answered, and its outputs by name."""
        request = _request(model, version)
        for name, array in features.items():
            to_proto(array, request.inputs[name])
        if self._trace is None:
            return self._predict(request, deadline_seconds)
        with self._trace(model, version) as metadata:
            return self._predict(request, deadline_seconds, metadata)

    def contract(self, model: str, version: int, deadline_seconds: float) -> bytes:
        """Return the JSON of a version's contract."""
        request = _request(model, version)
        request.model_spec.signature_name = _CONTRACT
        to_proto(np.zeros(1, np.int32), request.inputs["request"])
        _, outputs = self._predict(request, deadline_seconds)
        document = outputs.get(_CONTRACT, np.empty(0))
        if document.shape != (1,) or not isinstance(document[0], bytes):
            raise ModelServerError(model, f"version {version} carries no contract")
        return document[0]

    def versions(self, model: str, deadline_seconds: float) -> tuple[VersionStatus, ...]:
        """List a model's versions, including loading and ended ones; raises UnknownVersion if there are none."""
        deadline = time.monotonic() + deadline_seconds
        request = wire.GetModelStatusRequest(model_spec=wire.ModelSpec(name=model))
        try:
            # A background thread polls this, so the servers' addresses are looked up again here.
            connection = self._connection()
            connection.renew(lambda calls: calls.status(request, timeout=deadline_seconds / 2))
            with self._call(model, "GetModelStatus") as calls:
                response = calls.status(request, timeout=deadline - time.monotonic())
        except grpc.RpcError as error:
            raise error_for(error, model, None) from error
        return tuple(_version_status(status) for status in response.model_version_status)

    def labelled(self, model: str, label: str, deadline_seconds: float) -> int:
        """Return the version that a label points to now; raises UnknownLabel.

        This calls GetModelMetadata, since GetModelStatus ignores labels.
        """
        request = wire.GetModelMetadataRequest(metadata_field=["signature_def"])
        request.model_spec.name = model
        request.model_spec.version_label = label
        try:
            with self._call(model, "GetModelMetadata") as calls:
                response = calls.metadata(request, timeout=deadline_seconds)
        except grpc.RpcError as error:
            translated = error_for(error, model, None)
            if isinstance(translated, ModelServerRefused | UnknownVersion):
                raise UnknownLabel(model, label) from error
            raise translated from error
        return response.model_spec.version.value

    def judged(self, model: str, admitted: Collection[int], refused: Collection[int]) -> None:
        """Do nothing: a model server goes by its own version policy."""

    def aside(self) -> "ModelServerClient":
        """Return a client by the same connections, whose calls are neither counted nor traced."""
        client = ModelServerClient(self.address)
        client._credentials, client._connections = self._credentials, self._connections
        return client

    def forget(self, model: str) -> None:
        """Do nothing: nothing is kept of a model here."""

    def close(self) -> None:
        """Close this process's channel; the next call opens another."""
        connection = self._connections.pop(os.getpid(), None)
        if connection is not None:
            connection.close()

    def _predict(
        self, request: wire.PredictRequest, deadline_seconds: float, metadata: Metadata | None = None
    ) -> tuple[int, dict[str, Array]]:
        model, version = request.model_spec.name, request.model_spec.version.value
        try:
            with self._call(model, "Predict") as calls:
                response = calls.predict(request, timeout=deadline_seconds, metadata=metadata)
        except grpc.RpcError as error:
            raise error_for(error, model, version) from error
        outputs = {name: _output(model, name, proto) for name, proto in response.outputs.items()}
        return response.model_spec.version.value, outputs

    @contextmanager
    def _call(self, model: str, method: str) -> Iterator[Calls]:
        """Yield the calls for one of them, and report how it ended."""
        started = time.perf_counter()
        try:
            with self._connection().calls() as calls:
                yield calls
        except grpc.RpcError as error:
            self._on_rpc(model, method, error.code().name, time.perf_counter() - started)
            raise
        self._on_rpc(model, method, grpc.StatusCode.OK.name, time.perf_counter() - started)

    def _connection(self) -> Connection:
        process = os.getpid()
        connection = self._connections.get(process)
        if connection is None:
            # Without a lock, which a fork could copy while held: if two threads race, one unused channel is dropped.
            connection = self._connections.setdefault(process, Connection(self.address, self._credentials))
        return connection


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
    problem = status.status.error_message or (str(status.status.error_code) if status.status.error_code else "")
    return VersionStatus(status.version, VersionState.of(status.state, problem), problem)
