"""The REST API without its transport: verb, path and body -> status and body."""

import json
import re
from time import perf_counter
from typing import Any, NamedTuple
from urllib.parse import unquote

from google.protobuf import json_format
from tensorflow_serving.apis import get_model_status_pb2

from serving.local_server.json_outputs import write_columns, write_rows
from serving.local_server.json_tensors import parse_request, read_inputs
from serving.local_server.manager import ModelManager
from serving.local_server.model_service import model_status
from serving.local_server.prediction_service import signature_map
from serving.local_server.server_metrics import Metrics
from serving.runtime.engine import DEFAULT_SIGNATURE
from serving.runtime.errors import ServingError, invalid_argument
from serving.runtime.servable import Servable
from serving.tfserving.codes import Code

HTTP_STATUSES = {
    Code.OK: 200,
    Code.CANCELLED: 499,
    Code.INVALID_ARGUMENT: 400,
    Code.FAILED_PRECONDITION: 400,
    Code.OUT_OF_RANGE: 400,
    Code.UNAUTHENTICATED: 401,
    Code.PERMISSION_DENIED: 403,
    Code.NOT_FOUND: 404,
    Code.ALREADY_EXISTS: 409,
    Code.ABORTED: 409,
    Code.RESOURCE_EXHAUSTED: 429,
    Code.UNIMPLEMENTED: 501,
    Code.UNAVAILABLE: 503,
    Code.DEADLINE_EXCEEDED: 504,
}
_MODEL = r"/v1/models/(?P<name>[^/:]+)(?:/versions/(?P<version>\d+)|/labels/(?P<label>[^/:]+))?"
_CALL = re.compile(
    rf"(?i:{_MODEL}):(?P<method>classify|regress|predict)"
)  # like the original: only the method is case-sensitive
_LOOK = re.compile(_MODEL + r"(?P<metadata>/metadata)?", re.IGNORECASE)


class Response(NamedTuple):
    """The response to the client."""

    status: int
    body: str
    content_type: str = "application/json"


class RestApi:
    """Answers every request, errors included."""

    def __init__(self, manager: ModelManager, metrics: Metrics, metrics_path: str | None) -> None:
        self._manager = manager
        self._metrics = metrics
        self._metrics_path = metrics_path

    def answer(self, verb: str, path: str, body: bytes) -> Response:
        """Answer one request; `path` is as sent, with its query."""
        if verb == "GET" and path == self._metrics_path:
            return Response(200, self._metrics.expose(), "text/plain; version=0.0.4")
        if not path.lower().startswith("/v1/"):
            return Response(404, "<html><body><h1>Not Found</h1></body></html>\n", "text/html")
        start = perf_counter()
        match = (_CALL if verb == "POST" else _LOOK).fullmatch(path) if verb in ("GET", "POST") else None
        name = unquote(match["name"]) if match else ""
        response, status = self._try(verb, path, match, body)
        api = match["method"] if match and verb == "POST" else ""
        label = name if self._manager.knows(name) else ""
        self._metrics.requests.record(label, status, api, "REST", perf_counter() - start)
        return response

    def _try(self, verb: str, path: str, match: re.Match[str] | None, body: bytes) -> tuple[Response, str]:
        try:
            if verb == "GET" and path.lower().rstrip("/") == "/v1/models":
                raise invalid_argument("Missing model name in request.")
            if match is None:
                raise invalid_argument(f"Malformed request: {verb} {path}")
            request = _request(match)
            text = self._call(match["method"], request, body) if verb == "POST" else self._look(match, request)
            return Response(200, text), "OK"
        except ServingError as error:
            text = json.dumps({"error": error.message}, ensure_ascii=False)
            return Response(HTTP_STATUSES.get(error.code, 500), text), error.code.name

    def _call(self, method: str, request: Any, body: bytes) -> str:
        if method != "predict":
            raise ServingError(Code.UNIMPLEMENTED, f"{method} is not implemented by this server")
        _, servable = self._manager.find(request)
        return _predict(servable, body)

    def _look(self, match: re.Match[str], request: Any) -> str:
        if not match["metadata"]:
            return json.dumps(_plain(model_status(self._manager, request)), indent=1)
        version, servable = self._manager.find(request)
        spec = {"name": request.model_spec.name, "signature_name": "", "version": str(version)}
        signatures = _plain(signature_map(servable))
        return json.dumps({"model_spec": spec, "metadata": {"signature_def": signatures}}, indent=1)


def _request(match: re.Match[str]) -> Any:
    """Make a request that names the model, as the gRPC services take it."""
    request = get_model_status_pb2.GetModelStatusRequest()
    request.model_spec.name = unquote(match["name"])
    if match["label"]:
        request.model_spec.version_label = unquote(match["label"])
    if match["version"]:
        if int(match["version"]) >= 2**63:
            raise invalid_argument(f"Failed to convert version: {match['version']} to numeric.")
        request.model_spec.version.value = int(match["version"])
    return request


def _predict(servable: Servable, body: bytes) -> str:
    document = parse_request(body)
    name = document.get("signature_name") or DEFAULT_SIGNATURE
    signature = servable.signatures.get(name)
    if signature is None:
        raise invalid_argument(f'Serving signature name: "{name}" not found in signature def')
    arrays = signature.arrange(read_inputs(document, signature.inputs))
    results = servable.run(signature, arrays, signature.outputs, deadline=None)
    outputs = [(info.alias, array) for info, array in zip(signature.outputs, results, strict=True)]
    return write_rows(outputs) if "instances" in document else write_columns(outputs)


def _plain(message: Any) -> Any:
    return json_format.MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )
