"""An HTTP request's body, within its limits: bytes, or a JSON value."""

import codecs
import io
import sys
import zlib
from typing import IO, Any

import flask
import orjson
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

from serving.errors import MalformedRequest, UnsupportedMedia

_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS
"""zlib detects which of the two it is by the header (its manual, inflateInit2)."""
_GZIP = b"\x1f\x8b"
_ALIASES = {"x-gzip": "gzip"}
_CHUNK = 64 * 1024
_MAX_MEMBERS = 1000
"""Small members cost time rather than memory, since each starts a new decompression."""


class GatewayRequest(flask.Request):
    """Keeps uploaded files in memory: their size is limited, and a container's file system may be read-only.

    *body_bytes* is the size of the body, decompressed, once it was read.
    """

    body_bytes: int = 0

    def _get_file_stream(self, *args: Any, **kwargs: Any) -> IO[bytes]:
        return io.BytesIO()


def content_encoding(request: flask.Request, *accepted: str) -> str:
    """Return the body's encoding, one of *accepted* or "identity". Raise UnsupportedMedia for any other.

    Case does not matter, and x-gzip means gzip (RFC 9110, section 8.4.1).
    """
    header = request.headers.get("Content-Encoding", "")
    listed = [coding.strip().lower() for coding in header.split(",")]
    codings = [_ALIASES.get(coding, coding) for coding in listed if coding not in ("", "identity")]
    if not codings:
        return "identity"
    if len(codings) > 1:
        raise UnsupportedMedia(f"expected one Content-Encoding, got {len(codings)}: {header[:40]!r}")
    if codings[0] not in accepted:
        raise UnsupportedMedia(f"expected Content-Encoding {' or '.join(accepted) or 'identity'}, got {header[:40]!r}")
    return codings[0]


def read_body(request: flask.Request) -> bytes:
    """Read the body, and decompress gzip or deflate.

    Raise UnsupportedMedia, MalformedRequest, or werkzeug's RequestEntityTooLarge if the body, as sent or decompressed,
    exceeds the limit.
    """
    encoding = content_encoding(request, "gzip", "deflate")
    body = _chunked(request) if request.content_length is None else _sized(request, request.content_length)
    if encoding != "identity":
        body = _unpacked(body, request.max_content_length or sys.maxsize - 1)
    request.body_bytes = len(body)  # type: ignore[attr-defined]
    return body


def _sized(request: flask.Request, size: int) -> bytes:
    """Read a body of *size* bytes from the server: werkzeug's stream for it takes a twentieth of a text's time."""
    if request.max_content_length is not None and size > request.max_content_length:
        raise _too_large(request)
    body: bytes = request.environ["wsgi.input"].read(size)
    if len(body) < size:
        raise ClientDisconnected
    return body


def _chunked(request: flask.Request) -> bytes:
    try:
        body = request.get_data(cache=False)
        request.stream.read(1)  # werkzeug cuts a chunked body at the limit, but raises if more is read
    except RequestEntityTooLarge as error:
        raise _too_large(request) from error
    return body


def read_files(request: flask.Request) -> list[FileStorage]:
    """Read the files of a form. Raise UnsupportedMedia, or RequestEntityTooLarge if it exceeds a limit."""
    content_encoding(request)
    try:
        files = [file for files in request.files.listvalues() for file in files]
    except RequestEntityTooLarge as error:
        limit = request.max_content_length or sys.maxsize
        if request.content_length is None or request.content_length > limit:
            raise _too_large(request) from error
        most = f"{(request.max_form_parts or 1) - 1} files (MAX_INSTANCES)"
        text = f"{request.max_form_memory_size} bytes of text"
        raise RequestEntityTooLarge(f"expected a form of at most {most} and {text}, got more") from error
    request.body_bytes = request.content_length or request.max_content_length or 0  # type: ignore[attr-defined]
    return files


def _too_large(request: flask.Request) -> RequestEntityTooLarge:
    came = "more" if request.content_length is None else str(request.content_length)
    return RequestEntityTooLarge(f"{expected_size(request.max_content_length)}, got {came}")


def parse_json(body: bytes, max_depth: int) -> Any:
    """Read JSON that is nested at most *max_depth* deep. Raise MalformedRequest."""
    body = body.removeprefix(codecs.BOM_UTF8)  # RFC 8259 allows to ignore it
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        place = f"{error.msg} at line {error.lineno}, column {error.colno}"
        raise MalformedRequest(f"the body is not JSON: {_not_utf8(body) or place}") from error
    # Counting brackets costs almost nothing, and is enough for nearly all requests with one instance.
    if body.count(b"[") + body.count(b"{") > max_depth and _is_deeper(document, max_depth):
        raise MalformedRequest(f"expected JSON nested at most {max_depth} deep, got deeper")
    return document


def kind(value: Any) -> str:
    """Return the kind of a JSON value in words."""
    kinds = {list: "an array", dict: "an object", str: "a string", bool: "a boolean", type(None): "null"}
    return kinds.get(type(value), "a number")


def _unpacked(body: bytes, max_bytes: int) -> bytes:
    """Decompress a zlib stream, or all members of a gzip file (RFC 1952, section 2.2), to at most *max_bytes*."""
    unpacker, members = zlib.decompressobj(_GZIP_OR_ZLIB), 1
    data, place = bytearray(), 0
    while place < len(body):
        if unpacker.eof:
            _check_member(body, place, members)
            unpacker, members = zlib.decompressobj(_GZIP_OR_ZLIB), members + 1
        chunk = body[place : place + _CHUNK]  # short, since the end of each member copies the rest of it
        try:
            data += unpacker.decompress(chunk, max_bytes + 1 - len(data))
        except zlib.error as error:
            raise MalformedRequest("expected a body compressed as Content-Encoding says, got another") from error
        if len(data) > max_bytes:
            raise RequestEntityTooLarge(f"{expected_size(max_bytes)}, got {len(body)} that decompress to more")
        place += len(chunk) - len(unpacker.unused_data)
    if not unpacker.eof:
        raise MalformedRequest("the compressed body is truncated")
    return bytes(data)


def _check_member(body: bytes, place: int, members: int) -> None:
    if not (body.startswith(_GZIP) and body.startswith(_GZIP, place)):
        raise MalformedRequest(f"expected nothing after the compressed body, got {len(body) - place} bytes more")
    if members == _MAX_MEMBERS:
        raise MalformedRequest(f"expected at most {_MAX_MEMBERS} gzip members in the body, got more")


def expected_size(max_bytes: int | None) -> str:
    """Return what is said of bodies that are too large."""
    return f"expected a body of at most {max_bytes} bytes (MAX_BODY_BYTES), as sent and decompressed"


def _is_deeper(document: Any, max_depth: int) -> bool:
    level = [document] if isinstance(document, list | dict) else []
    for _ in range(max_depth):
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
