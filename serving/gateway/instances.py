"""An HTTP request's body -> raw instances. What is in an instance is the contract's business."""

import io
from collections.abc import Callable
from typing import IO, Any

import flask
import orjson

from serving.errors import MalformedRequest, RequestTooLarge, UnsupportedMedia

_JSON_EXAMPLE = '{"instances": [{...}, ...]}'
_BINARY = "application/octet-stream"


class GatewayRequest(flask.Request):
    """Keeps uploaded files in memory: their size is bounded, and a container's file system may be read-only."""

    def _get_file_stream(self, *args: Any, **kwargs: Any) -> IO[bytes]:
        return io.BytesIO()


def read_instances(request: flask.Request, takes_image: Callable[[], bool], most: int) -> list[Any]:
    """Read the instances of a request, 1 to *most*.

    JSON gives one instance or many. If the model *takes_image*, so do a form's files, and an image as the body.
    Raises MalformedRequest, RequestTooLarge or UnsupportedMedia.
    """
    instances = _instances(request, takes_image)
    if not instances:
        raise MalformedRequest("there are no instances in the request")
    if len(instances) > most:
        raise RequestTooLarge(f"at most {most} instances in a request, got {len(instances)}")
    return instances


def _instances(request: flask.Request, takes_image: Callable[[], bool]) -> list[Any]:
    media = request.mimetype
    if request.headers.get("Content-Encoding", "identity") != "identity":
        raise UnsupportedMedia(f"the body must not be compressed, got {request.headers['Content-Encoding'][:40]!r}")
    if media == "application/json":
        return _from_json(_body(request))
    image = takes_image()
    if image and media == "multipart/form-data":
        return [{"image": file.read()} for files in request.files.listvalues() for file in files]
    if image and (media.startswith("image/") or media == _BINARY):
        return [{"image": _body(request)}]
    taken = f"application/json, multipart/form-data, image/* or {_BINARY}" if image else "application/json"
    raise UnsupportedMedia(f"expected Content-Type {taken}, got {media[:80]!r}")


def _body(request: flask.Request) -> bytes:
    body = request.get_data(cache=False)
    if request.content_length is None:
        request.stream.read(1)  # werkzeug cuts a chunked body at the limit, but refuses to read past it
    return body


def _from_json(body: bytes) -> list[Any]:
    document = _parsed(body)
    if not isinstance(document, dict):
        raise MalformedRequest(f"expected one instance as a JSON object, or {_JSON_EXAMPLE}, got {_kind(document)}")
    if "instances" not in document:
        return [document]
    if len(document) > 1:
        other = next(name for name in document if name != "instances")
        raise MalformedRequest(f"expected nothing beside 'instances', got {other[:60]!r}")
    instances = document["instances"]
    if not isinstance(instances, list):
        raise MalformedRequest(f"expected {_JSON_EXAMPLE}, got {_kind(instances)} as 'instances'")
    return instances


def _parsed(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        place = f"{error.msg} at line {error.lineno}, column {error.colno}"
        raise MalformedRequest(f"the body is not JSON: {_not_utf8(body) or place}") from error


def _not_utf8(body: bytes) -> str:
    try:
        body.decode()
    except UnicodeDecodeError as error:
        return f"byte {error.start} is not UTF-8"
    return ""


def _kind(value: Any) -> str:
    kinds = {list: "an array", dict: "an object", str: "a string", bool: "a boolean", type(None): "null"}
    return kinds.get(type(value), "a number")
