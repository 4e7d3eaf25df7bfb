"""One connection, and how much of its next request has come."""

import socket
from enum import StrEnum
from typing import Any

from gunicorn.http.body import ChunkedReader
from gunicorn.http.errors import NoMoreData, ParseException
from gunicorn.http.parser import RequestParser

from serving.gateway.connections.answers import AnswerSocket
from serving.gateway.connections.chunks import ChunkScanner, Scan
from serving.gateway.connections.limits import ConnectionLimits
from serving.gateway.connections.received import Received
from serving.gateway.connections.refusals import TOO_LARGE, Refused
from serving.gateway.middleware.request_ids import HEADER, usable
from serving.gateway.protocols.body import expected_size

MAX_HEAD_BYTES = 64 * 1024
_READ_BYTES = 64 * 1024
"""Larger buffers are taken from the system for each read and given back, which takes longer than most requests."""
_READS = 4
"""Of a large body at a time."""
_REQUEST_ID = HEADER.upper()  # as gunicorn writes names
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class State(StrEnum):
    """What a connection does."""

    IDLE = "idle"
    HEAD = "head"
    BODY = "body"
    ANSWERING = "answering"
    CLOSING = "closing"
    ENDED = "ended"


class Connection:
    """A connection of *client* by *socket*. gunicorn needs its attributes *sock*, *client*, *server* and *parser*.

    *request* is gunicorn's, once its head has come; its *state* is ANSWERING once all of it has.
    """

    def __init__(self, cfg: Any, sock: socket.socket, client: Any, server: Any, limits: ConnectionLimits) -> None:
        sock.setblocking(False)
        self.socket = sock
        self.sock = AnswerSocket(sock, limits.body_seconds)
        self.client = client
        self.server = server
        self.received = Received()
        self.parser = RequestParser(cfg, (), client)
        self.parser.unreader = self.received
        self.request: Any = None
        self.state = State.IDLE
        self.is_polled = False
        self._max_body_bytes = limits.max_body_bytes
        self._head_end = b""
        """As much of the head as may begin what ends it: the rest is not looked at again."""
        self._head_bytes = 0
        self._missing = 0
        self._scanner: ChunkScanner | None = None

    @property
    def address(self) -> str:
        """The client's address; empty for a Unix socket."""
        return str(self.client[0]) if isinstance(self.client, tuple) else ""

    @property
    def path(self) -> str:
        """The path of the request, as far as it is known."""
        return self.request.path if self.request else ""

    @property
    def sent_request_id(self) -> str | None:
        """The id that the client gave the request, if there is one that can be used."""
        sent = [value for name, value in self.request.headers if name == _REQUEST_ID] if self.request else []
        return usable(",".join(sent))

    def receive(self) -> State:
        """Read what has come, which may be nothing, and return the state. Raise Refused, or OSError.

        The state is ENDED if the client sends no more, and has sent no whole request.
        """
        for _ in range(_READS):
            try:
                data = self.socket.recv(_READ_BYTES)
            except BlockingIOError:
                break
            if not data:
                self.state = State.ENDED
                break
            self.take(data)
            if len(data) < _READ_BYTES or self.state == State.ANSWERING:
                break
        return self.state

    def take(self, data: bytes) -> None:
        """Add *data* to the request. Raise Refused."""
        self.received.add(data)
        if self.state == State.BODY:
            self._take_body(data)
        else:
            self._take_head(data)

    def next(self) -> None:
        """Begin with the next request, of which some may have come already. Raise Refused."""
        self.state, self.request = State.IDLE, None
        if len(self.received):
            self._take_head(self.received.everything())

    def drop_body(self) -> bool:
        """Drop the body of a whole request. Return whether it is known where the next begins."""
        reader = self.request.body.reader
        if not isinstance(reader, ChunkedReader):
            self.received.skip(reader.length)
            reader.length = 0
        try:
            return bool(self.parser.finish_body())
        except (ParseException, OSError):  # what is wrong with chunks is the one or the other
            return False

    def _take_head(self, data: bytes) -> None:
        self.state = State.HEAD
        known, data = len(self._head_end), self._head_end + data
        self._head_bytes += len(data) - known
        end = data.find(b"\r\n\r\n")
        size = self._head_bytes if end < 0 else self._head_bytes - len(data) + end
        if end < 0 and size <= MAX_HEAD_BYTES and data.count(b"\n", known) == data.count(b"\r\n", max(0, known - 1)):
            self._head_end = data[-3:]
            return
        self._parse(is_too_long=size > MAX_HEAD_BYTES)
        self._head_end, self._head_bytes = b"", 0
        self.state = State.BODY
        self._begin_body()

    def _parse(self, is_too_long: bool) -> None:
        try:
            self.request = next(self.parser)
        except (StopIteration, NoMoreData) as error:
            if is_too_long:
                raise _too_long() from error
            raise Refused.of(error) from error
        except ParseException as error:
            raise Refused.of(error) from error
        if is_too_long:
            raise _too_long()

    def _begin_body(self) -> None:
        reader = self.request.body.reader
        if isinstance(reader, ChunkedReader):
            self._scanner = ChunkScanner(self._max_body_bytes)
            self._take_chunks(self.received.everything())
        else:
            self._scanner = None
            if reader.length > self._max_body_bytes:
                raise self._too_large(str(reader.length))
            self._missing = reader.length - len(self.received)
            self._finish(self._missing <= 0)
        if self.request._expected_100_continue:
            self.request._expected_100_continue = False
            if self.state == State.BODY:
                self.socket.send(_CONTINUE)

    def _take_body(self, data: bytes) -> None:
        if self._scanner:
            self._take_chunks(data)
        else:
            self._missing -= len(data)
            self._finish(self._missing <= 0)

    def _take_chunks(self, data: bytes) -> None:
        found = self._scanner.feed(data) if self._scanner and data else Scan.MORE
        if found is Scan.TOO_LARGE:
            raise self._too_large("more")
        if found is Scan.MALFORMED:
            raise Refused(400, "malformed_request", "expected a body in well-formed chunks, got another")
        self._finish(found is Scan.WHOLE)

    def _finish(self, is_whole: bool) -> None:
        if is_whole:
            self.state = State.ANSWERING

    def _too_large(self, came: str) -> Refused:
        return Refused(413, TOO_LARGE, f"{expected_size(self._max_body_bytes)}, got {came}")


def _too_long() -> Refused:
    return Refused(431, "headers_too_large", f"expected a head of at most {MAX_HEAD_BYTES} bytes, got more")
