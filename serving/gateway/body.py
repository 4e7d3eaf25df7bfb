"""An HTTP request's body, within its limits: bytes, or a JSON value."""

import codecs
import io
import sys
import zlib
from typing import IO, Any

import flask
import orjson
from werkzeug.exceptions import RequestEntityTooLarge

from serving.errors import MalformedRequest, UnsupportedMedia

_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS
"""zlib's manual, inflateInit2: the header tells which of the two it is."""


class GatewayRequest(flask.Request):
    """Keeps uploaded files in memory: their size is bounded, and a container's file system may be read-only."""

    def _get_file_stream(self, *args: Any, **kwargs: Any) -> IO[bytes]:
        return io.BytesIO()


def content_encoding(request: flask.Request, *taken: str) -> str:
    """Give the body's encoding, one of *taken* or "identity"; raises UnsupportedMedia if it is another."""
    encoding = request.headers.get("Content-Encoding", "identity")
    if encoding not in (*taken, "identity"):
        raise UnsupportedMedia(f"expected as Content-Encoding {' or '.join(taken) or 'none'}, got {encoding[:40]!r}")
    return encoding


def read_body(request: flask.Request) -> bytes:
    """Read the body, and unpack gzip or deflate.

    Raises UnsupportedMedia, MalformedRequest, and werkzeug's RequestEntityTooLarge if it is over the limit, as it came
    or unpacked.
    """
    encoding = content_encoding(request, "gzip", "deflate")
    body = request.get_data(cache=False)
    if request.content_length is None:
        request.stream.read(1)  # werkzeug cuts a chunked body at the limit, but refuses to read past it
    return body if encoding == "identity" else _unpacked(body, request.max_content_length or sys.maxsize - 1)


def parse_json(body: bytes, most_depth: int) -> Any:
    """Read JSON whose arrays and objects are nested at most *most_depth* deep; raises MalformedRequest."""
    body = body.removeprefix(codecs.BOM_UTF8)  # RFC 8259 lets a reader pass over it
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        place = f"{error.msg} at line {error.lineno}, column {error.colno}"
        raise MalformedRequest(f"the body is not JSON: {_not_utf8(body) or place}") from error
    # Counting brackets costs next to nothing, and tells enough of nearly all requests for one instance.
    if body.count(b"[") + body.count(b"{") > most_depth and _is_deeper(document, most_depth):
        raise MalformedRequest(f"the JSON is nested more than {most_depth} deep")
    return document


def kind(value: Any) -> str:
    """Name the kind of a JSON value."""
    kinds = {list: "an array", dict: "an object", str: "a string", bool: "a boolean", type(None): "null"}
    return kinds.get(type(value), "a number")


def _unpacked(body: bytes, most: int) -> bytes:
    unpacker = zlib.decompressobj(_GZIP_OR_ZLIB)
    try:
        data = unpacker.decompress(body, most + 1)
    except zlib.error as error:
        raise MalformedRequest("the body is not what its Content-Encoding says") from error
    if len(data) > most:
        raise RequestEntityTooLarge
    if not unpacker.eof:
        raise MalformedRequest("the compressed body ends too early")
    return data


def _is_deeper(document: Any, most: int) -> bool:
    level = [document] if isinstance(document, list | dict) else []
    for _ in range(most):
        if not level:
            return False
        level = [
            value
            for container in level
            for value in (container.values() if type(container) is dict else container)
            if type(value) is dict or type(value) is list
        ]
    return bool(level)


def _not_utf8(body: bytes) -> str:
    try:
        body.decode()
    except UnicodeDecodeError as error:
        return f"byte {error.start} is not UTF-8"
    return ""
