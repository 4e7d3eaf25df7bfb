"""The Open Inference Protocol over gRPC, on its own port.

Each call becomes a request to the gateway's application: keys, limits, deadlines, metrics and logs are those of HTTP.
"""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import grpc
import orjson
from flask import Flask, Response
from werkzeug.datastructures import Headers
from werkzeug.test import EnvironBuilder

from serving.errors import MalformedRequest
from serving.gateway.middleware.logs import log_access
from serving.gateway.protocols import open_inference_pb2 as pb
from serving.gateway.protocols.inference_v2_messages import infer_body, infer_response, read_message
from serving.gateway.protocols.inference_v2_request import JSON_LENGTH
from serving.gateway.routing import TIMEOUT_HEADER
from serving.gateway.scheduling import run_queue_of
from serving.gateway.settings import Settings

SERVICE = "inference.GRPCInferenceService"
"""The service's name in the protocol."""

_HEADERS = ("authorization", "x-api-key", "x-request-id", "traceparent", "tracestate")
"""Metadata that become HTTP headers."""
_RETURNED_HEADERS = ("x-request-id", "retry-after", "server-timing")
_CODES = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    401: grpc.StatusCode.UNAUTHENTICATED,
    403: grpc.StatusCode.PERMISSION_DENIED,
    404: grpc.StatusCode.NOT_FOUND,
    413: grpc.StatusCode.RESOURCE_EXHAUSTED,
    429: grpc.StatusCode.RESOURCE_EXHAUSTED,
    502: grpc.StatusCode.INTERNAL,
    503: grpc.StatusCode.UNAVAILABLE,
    504: grpc.StatusCode.DEADLINE_EXCEEDED,
}
_GRACE_SECONDS = 20
_VERSION_DIGITS = 19
"""TensorFlow Serving's versions are int64."""
_MAX_REPLY_BYTES = 2**31 - 1


class OpenInferenceServer:
    """Serves *app* over gRPC at the address and port of *settings*. It starts threads, so make it after any fork."""

    def __init__(self, app: Flask, settings: Settings) -> None:
        self._server = grpc.server(
            ThreadPoolExecutor(settings.threads, "grpc"),
            options=[
                ("grpc.max_receive_message_length", settings.max_body_bytes),
                ("grpc.max_send_message_length", _MAX_REPLY_BYTES),
                ("grpc.so_reuseport", 1),  # each worker process listens on its own socket
            ],
            maximum_concurrent_rpcs=settings.threads,
        )
        calls = _Calls(app, settings.access_log)
        handlers = {name: _handler(call, message) for name, (call, message) in calls.methods().items()}
        self._server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(SERVICE, handlers)])
        host = f"[{settings.bind}]" if ":" in settings.bind else settings.bind
        self.port = self._server.add_insecure_port(f"{host}:{settings.grpc_port}")
        self._server.start()

    def close(self) -> None:
        """Stop accepting calls, and wait for those in progress."""
        self._server.stop(_GRACE_SECONDS).wait()


@dataclass(frozen=True)
class _Reply:
    status: int
    headers: Headers
    body: bytes

    def json(self) -> Any:
        return orjson.loads(self.body)


class _Refused(Exception):
    """The application answered with an error."""

    def __init__(self, reply: _Reply) -> None:
        super().__init__(reply.json()["error"])
        self.reply = reply


class _Calls:
    """The protocol's methods, each a request to *app*."""

    def __init__(self, app: Flask, access_log: bool) -> None:
        self._app = app
        self._access_log = access_log

    def methods(self) -> dict[str, tuple[Callable[..., Any], Any]]:
        """Return each method by its name, with the type of its request message."""
        return {
            "ServerLive": (self._server_live, pb.ServerLiveRequest),
            "ServerReady": (self._server_ready, pb.ServerReadyRequest),
            "ModelReady": (self._model_ready, pb.ModelReadyRequest),
            "ServerMetadata": (self._server_metadata, pb.ServerMetadataRequest),
            "ModelMetadata": (self._model_metadata, pb.ModelMetadataRequest),
            "ModelInfer": (self._infer, pb.ModelInferRequest),
            "RepositoryIndex": (self._index, pb.RepositoryIndexRequest),
        }

    def _server_live(self, request: Any, context: grpc.ServicerContext) -> Any:
        return pb.ServerLiveResponse(live=self._send("GET", "/v2/health/live", context).json()["live"])

    def _server_ready(self, request: Any, context: grpc.ServicerContext) -> Any:
        return pb.ServerReadyResponse(ready=self._send("GET", "/v2/health/ready", context, 503).json()["ready"])

    def _model_ready(self, request: pb.ModelReadyRequest, context: grpc.ServicerContext) -> Any:
        path = _path(request.name, request.version) + "/ready"
        return pb.ModelReadyResponse(ready=self._send("GET", path, context, 503).json().get("ready", False))

    def _server_metadata(self, request: Any, context: grpc.ServicerContext) -> Any:
        metadata = self._send("GET", "/v2", context).json()
        return pb.ServerMetadataResponse(name=metadata["name"], version=metadata["version"])

    def _model_metadata(self, request: pb.ModelMetadataRequest, context: grpc.ServicerContext) -> Any:
        metadata = self._send("GET", _path(request.name, request.version), context).json()
        return read_message(pb.ModelMetadataResponse(), metadata)

    def _infer(self, request: pb.ModelInferRequest, context: grpc.ServicerContext) -> Any:
        body, length = infer_body(request)
        path = _path(request.model_name, request.model_version) + "/infer"
        reply = self._send("POST", path, context, body=body, json_length=length)
        return infer_response(reply.body, int(reply.headers[JSON_LENGTH]))

    def _index(self, request: pb.RepositoryIndexRequest, context: grpc.ServicerContext) -> Any:
        body = orjson.dumps({"ready": request.ready})
        models = self._send("POST", "/v2/repository/index", context, body=body).json()
        return read_message(pb.RepositoryIndexResponse(), {"models": models})

    def _send(
        self,
        method: str,
        path: str,
        context: grpc.ServicerContext,
        *accepted: int,
        body: bytes = b"",
        json_length: int | None = None,
    ) -> _Reply:
        """Send a request. Raise _Refused for an error whose status is not in *accepted*."""
        headers = {name: str(value) for name, value in context.invocation_metadata() if name in _HEADERS}
        if json_length is not None:
            headers[JSON_LENGTH] = str(json_length)
        if (remaining := context.time_remaining()) is not None:
            headers[TIMEOUT_HEADER] = f"{max(remaining, 0.001):.3f}"
        address = {"REMOTE_ADDR": context.peer(), "RAW_URI": path}
        builder = EnvironBuilder(path, method=method, data=body, headers=list(headers.items()), environ_base=address)
        environ, started = builder.get_environ(), time.perf_counter()
        with run_queue_of(self._app).one_turn():
            response = Response.from_app(self._app, environ, buffered=True)
        if self._access_log:
            log_access(response.status_code, environ, timedelta(seconds=time.perf_counter() - started))
        reply = _Reply(response.status_code, response.headers, response.get_data())
        context.set_trailing_metadata(
            tuple((name, reply.headers[name]) for name in _RETURNED_HEADERS if name in reply.headers)
        )
        if reply.status >= 400 and reply.status not in accepted:
            raise _Refused(reply)
        return reply


def _path(model: str, version: str) -> str:
    """Return the path of a model, or of one of its versions. Raise MalformedRequest."""
    if not model:
        raise MalformedRequest("expected the name of a model, got nothing")
    if "/" in model:  # else it would be another path
        raise MalformedRequest(f"expected the name of a model, got {model[:60]!r}")
    if version and not (version.isascii() and version.isdecimal() and len(version) <= _VERSION_DIGITS):
        raise MalformedRequest(
            f"expected the version as a whole number of at most {_VERSION_DIGITS} digits, got {version[:40]!r}"
        )
    return f"/v2/models/{quote(model, safe='')}" + (f"/versions/{version}" if version else "")


def _handler(call: Callable[..., Any], message: Any) -> Any:
    def answer(request: Any, context: grpc.ServicerContext) -> Any:
        try:
            return call(request, context)
        except _Refused as error:
            context.abort(_CODES.get(error.reply.status, grpc.StatusCode.INTERNAL), str(error))
        except MalformedRequest as error:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))

    return grpc.unary_unary_rpc_method_handler(
        answer, request_deserializer=message.FromString, response_serializer=lambda reply: reply.SerializeToString()
    )
