"""The gRPC port: dispatches methods, passes deadlines on, and turns errors into statuses."""

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from time import monotonic, perf_counter
from typing import Any

import grpc
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_management_pb2,
    predict_pb2,
)

from serving.local_server import health_service as health
from serving.local_server.flags import Flags
from serving.local_server.manager import ModelManager
from serving.local_server.model_service import ModelService
from serving.local_server.prediction_service import PredictionService
from serving.local_server.server_metrics import RequestMetrics
from serving.local_server.server_tls import ServerTls
from serving.runtime.errors import ServingError
from serving.tfserving import rebuilt_messages
from serving.tfserving.codes import Code

logger = logging.getLogger(__name__)

Method = Callable[[Any, grpc.ServicerContext], Any]

_MAX_MESSAGE = 1024
_FOR_EVER = 365 * 24 * 3600.0  # longer waits overflow a lock's time-out
_OPTIONS = [
    ("grpc.max_receive_message_length", 2**31 - 1),
    ("grpc.max_send_message_length", -1),
    ("grpc.so_reuseport", 0),  # otherwise a second server could start on the port, and get half of the requests
]


def serve(flags: Flags, tls: ServerTls | None, manager: ModelManager, metrics: RequestMetrics) -> grpc.Server:
    """Open the port; raises ServingError if it is taken."""
    executor = ThreadPoolExecutor(flags.grpc_max_threads, thread_name_prefix="grpc")
    server = grpc.server(executor, options=_OPTIONS)
    predictions = PredictionService(manager, flags.enable_serialization_as_tensor_content)
    server.add_generic_rpc_handlers((_prediction_handler(predictions, manager, metrics), _model_handler(manager)))
    if flags.enable_grpc_healthcheck_service:
        check = _handler(lambda request, context: health.check(request), rebuilt_messages.HealthCheckRequest)
        server.add_generic_rpc_handlers((_service("grpc.health.v1.Health", {"Check": check}),))
    address = f"{flags.host}:{flags.port}"
    try:
        if tls:
            server.add_secure_port(address, _credentials(tls))
        else:
            server.add_insecure_port(address)
    except RuntimeError as error:
        raise ServingError(Code.UNAVAILABLE, f"Can't listen on {address}: {error}") from error
    server.start()
    return server


def _credentials(tls: ServerTls) -> grpc.ServerCredentials:
    pair = (tls.server_key.encode(), tls.server_cert.encode())
    return grpc.ssl_server_credentials([pair], tls.custom_ca.encode() or None, tls.client_verify)


def _prediction_handler(
    predictions: PredictionService, manager: ModelManager, metrics: RequestMetrics
) -> grpc.GenericRpcHandler:
    def predict(request: Any, context: grpc.ServicerContext) -> Any:
        status, start = "OK", perf_counter()
        try:
            return predictions.predict(request, _deadline(context))
        except ServingError as error:
            status = error.code.name
            raise
        except Exception:
            status = "INTERNAL"
            raise
        finally:
            name = request.model_spec.name if manager.knows(request.model_spec.name) else ""
            metrics.record(name, status, "Predict", "GRPC", perf_counter() - start)

    def metadata(request: Any, context: grpc.ServicerContext) -> Any:
        return predictions.get_model_metadata(request)

    methods = {
        "Predict": _handler(predict, predict_pb2.PredictRequest),
        "GetModelMetadata": _handler(metadata, get_model_metadata_pb2.GetModelMetadataRequest),
    }
    return _service("tensorflow.serving.PredictionService", methods)


def _model_handler(manager: ModelManager) -> grpc.GenericRpcHandler:
    service = ModelService(manager)
    methods = {
        "GetModelStatus": _handler(
            lambda request, context: service.get_model_status(request),
            get_model_status_pb2.GetModelStatusRequest,
        ),
        "HandleReloadConfigRequest": _handler(
            lambda request, context: service.reload_config(request, context.is_active),
            model_management_pb2.ReloadConfigRequest,
        ),
    }
    return _service("tensorflow.serving.ModelService", methods)


def _service(name: str, methods: "dict[str, grpc.RpcMethodHandler[Any, Any]]") -> grpc.GenericRpcHandler:
    return grpc.method_handlers_generic_handler(name, methods)


def _handler(method: Method, request_type: Any) -> "grpc.RpcMethodHandler[Any, Any]":
    """Wrap a method so that what it raises becomes the call's status."""

    def handle(request: Any, context: grpc.ServicerContext) -> Any:
        try:
            return method(request, context)
        except ServingError as error:
            context.abort(grpc.StatusCode[error.code.name], _cut(error.message))
        except Exception as error:
            logger.exception("unexpected failure of a request")
            context.abort(grpc.StatusCode.INTERNAL, _cut(repr(error)))

    return grpc.unary_unary_rpc_method_handler(
        handle,
        request_deserializer=request_type.FromString,
        response_serializer=lambda response: response.SerializeToString(),
    )


def _deadline(context: grpc.ServicerContext) -> float | None:
    remaining = context.time_remaining()
    if remaining is None or remaining > _FOR_EVER:  # without a deadline gRPC sometimes reports some hundred years
        return None
    return monotonic() + remaining


def _cut(message: str) -> str:
    return message if len(message) <= _MAX_MESSAGE else message[:_MAX_MESSAGE] + "...TRUNCATED"
