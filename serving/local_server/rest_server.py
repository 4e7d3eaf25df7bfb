"""The REST port: HTTP/1.1 with keep-alive from the standard library, a thread per connection."""

import logging
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer, ThreadingMixIn
from time import monotonic
from typing import Any

from serving.local_server.rest_api import Response, RestApi
from serving.runtime.errors import ServingError
from serving.tfserving.codes import Code

logger = logging.getLogger(__name__)

MAX_BODY_BYTES = 64 * 2**20  # also after unpacking


class _Refused(Exception):
    """A request that can't be read. The connection is closed, since the rest of it can't be interpreted."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.response = Response(status, f'{{"error": "{message}"}}')


class RestServer(ThreadingMixIn, TCPServer):
    """Listens, and counts the requests in progress."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], api: RestApi) -> None:
        super().__init__(address, _Handler)
        self.api = api
        self.draining = False
        self._active = 0
        self._idle = threading.Condition()

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Count a request until its answer is sent, so that `drain` waits for it."""
        with self._idle:
            self._active += 1
        try:
            yield
        finally:
            with self._idle:
                self._active -= 1
                self._idle.notify_all()

    def refuse_connections(self) -> None:
        """Close the port. Requests on open connections are still answered."""
        self.draining = True
        self.shutdown()
        self.server_close()

    def drain(self, end: float) -> None:
        """Wait for requests in progress, but not past `end` (monotonic)."""
        with self._idle:
            self._idle.wait_for(lambda: self._active == 0, max(0.0, end - monotonic()))


class _Handler(BaseHTTPRequestHandler):
    server: RestServer
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "plumbline", ""
    timeout = 60  # of a silent connection, in seconds
    wbufsize = -1  # head and body in one packet: otherwise Nagle's algorithm delays the second
    disable_nagle_algorithm = True

    def _handle(self) -> None:
        with self.server.counted():
            self._send(self._answer())
            self.wfile.flush()

    def _answer(self) -> Response:
        try:
            body = self._read_body()
            response = self._preflight() if self.command == "OPTIONS" else None
            return response or self.server.api.answer(self.command, self.path, body)
        except _Refused as refused:
            self.close_connection = True
            return refused.response
        except Exception:
            logger.exception("unexpected failure of a request")
            return Response(500, '{"error": "internal error"}')

    do_GET = do_POST = do_OPTIONS = do_HEAD = do_PUT = do_PATCH = do_DELETE = _handle  # noqa: N815 - looked up by name

    def _preflight(self) -> Response | None:
        return Response(200, "") if self.headers.get("Origin", "").startswith("http") else None

    def _read_body(self) -> bytes:
        if "Transfer-Encoding" in self.headers:
            raise _Refused(411, "A request body needs a Content-Length")
        length = self.headers.get("Content-Length", "0")
        if not (length.isascii() and length.isdigit()):
            raise _Refused(400, "Bad Content-Length")
        if int(length) > MAX_BODY_BYTES:
            raise _Refused(413, f"Request body exceeds {MAX_BODY_BYTES} bytes")
        body = self.rfile.read(int(length))
        return _unpack(body) if self.headers.get("Content-Encoding", "").lower() == "gzip" else body

    def _send(self, response: Response) -> None:
        content = response.body.encode()
        self.close_connection = self.close_connection or self.server.draining
        self.send_response(response.status)
        self.send_header("Content-Type", response.content_type)
        self.send_header("Content-Length", str(len(content)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        logger.debug(format, *args)


def _unpack(body: bytes) -> bytes:
    unpacker = zlib.decompressobj(wbits=31)  # gzip
    try:
        unpacked = unpacker.decompress(body, MAX_BODY_BYTES)
    except zlib.error as error:
        raise _Refused(400, "Failed to uncompress the request body") from error
    if unpacker.unconsumed_tail:
        raise _Refused(413, f"Unpacked request body exceeds {MAX_BODY_BYTES} bytes")
    return unpacked


def serve(host: str, port: int, api: RestApi) -> RestServer:
    """Open the port; raises ServingError if it is taken."""
    try:
        server = RestServer((host, port), api)
    except OSError as error:
        message = f"Can't listen on {host}:{port}: {error.strerror}"
        raise ServingError(Code.UNAVAILABLE, message) from error
    threading.Thread(target=server.serve_forever, name="rest", daemon=True).start()
    return server
