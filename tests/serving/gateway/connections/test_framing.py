"""Where requests begin and end: what is taken for whole is what gunicorn's parser makes of the bytes of a socket.

A difference between the two would let a caller hide a request inside another's (request smuggling).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from gunicorn.config import Config
from gunicorn.http.errors import NoMoreData, ParseException
from gunicorn.http.parser import RequestParser
from hypothesis import example, given, settings
from hypothesis import strategies as st

from serving.gateway.connections.chunks import ChunkScanner, Scan
from serving.gateway.connections.connection import Connection, State
from serving.gateway.connections.limits import ConnectionLimits
from serving.gateway.connections.refusals import Refused

CFG = Config()
CLIENT = ("127.0.0.1", 1)
MAX_BODY_BYTES = 100
LIMITS = ConnectionLimits(max_body_bytes=MAX_BODY_BYTES)

Request = tuple[str, str, tuple[tuple[str, str], ...], bytes]


@dataclass
class Pieces:
    """A socket on which these bytes come."""

    pieces: list[bytes]
    sent: list[bytes] = field(default_factory=list)

    def recv(self, size: int) -> bytes:
        if not self.pieces:
            return b""
        piece = self.pieces.pop(0)
        if len(piece) > size:
            self.pieces.insert(0, piece[size:])
        return piece[:size]

    def setblocking(self, blocks: bool) -> None:
        assert not blocks

    def send(self, data: bytes) -> int:
        self.sent.append(data)
        return len(data)


def cut(data: bytes, places: Sequence[int]) -> list[bytes]:
    ends = sorted({place % (len(data) + 1) for place in places} | {0, len(data)})
    return [data[begin:end] for begin, end in pairwise(ends)]


def by_gunicorn(pieces: list[bytes]) -> tuple[list[Request], bool]:
    """Give the requests, and whether the bytes end where one ends."""
    parser = RequestParser(CFG, Pieces(pieces), CLIENT)
    found: list[Request] = []
    while True:
        try:
            request = next(parser)
            body = request.body.read()
            reader = request.body.reader
            if getattr(reader, "length", 0):
                return found, False  # the connection ended before the body did
            found.append((request.method, request.uri, tuple(request.headers), body))
        except StopIteration:
            return found, True
        except (ParseException, NoMoreData):
            return found, False


def by_us(pieces: list[bytes], sock: Pieces | None = None) -> tuple[list[Request], int]:
    """Give the requests, and the status of the refusal, 0 if there is none."""
    sock = sock or Pieces(pieces)
    connection = Connection(CFG, sock, CLIENT, None, LIMITS)  # type: ignore[arg-type]
    found: list[Request] = []
    try:
        while connection.receive() is not State.ENDED:
            while connection.state is State.ANSWERING:
                request = connection.request
                body = request.body.read()
                found.append((request.method, request.uri, tuple(request.headers), body))
                if request.should_close() or not connection.parser.finish_body():
                    return found, 0
                connection.next()
    except Refused as refusal:
        return found, refusal.status
    except ParseException:
        return found, 400  # as the application answers then
    return found, 0


HEADERS = (
    *(b"Host: a", b"Host: b", b"X: 1", b" folded", b"\tfolded", b"X : 1", b": 1", b"X", b"X: \x00", b"X_Y: 1"),
    *(b"Content-Length: 0", b"Content-Length: 3", b"Content-Length: 12", b"Content-Length: +3", b"Content-Length: -1"),
    *(
        b"Content-Length: 3, 3",
        b"Content-Length: 0x3",
        b"Content-Length: 101",
        b"Content-Length:\xb2",
        b"content-length:3",
    ),
    *(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked, chunked", b"Transfer-Encoding: gzip, chunked"),
    *(b"Transfer-Encoding: identity", b"Transfer-Encoding:\x0bchunked", b"Transfer-Encoding: chunked, identity"),
    *(b"Expect: 100-continue", b"Expect: more", b"Connection: close", b"Connection: keep-alive", b"Content_Length: 3"),
)
LINES = (
    b"GET / HTTP/1.1",
    b"POST /p HTTP/1.1",
    b"POST /p HTTP/1.0",
    b"GET /",
    b"get / HTTP/1.1",
    b"",
    b"GET  / HTTP/1.1",
)
ENDS = (b"\r\n", b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r", b"\r\n\r\n")
BODIES = (
    *(b"", b"abc", b"twelve bytes", b"0\r\n\r\n", b"3\r\nabc\r\n0\r\n\r\n", b"3;x=y\r\nabc\r\n0\r\nT: 1\r\n\r\n"),
    *(
        b"3\nabc\r\n0\r\n\r\n",
        b"3\r\nabcd\r\n0\r\n\r\n",
        b"+3\r\nabc\r\n0\r\n\r\n",
        b"0x3\r\nabc\r\n0\r\n\r\n",
        b"03 \r\nabc\r\n0\r\n\r\n",
    ),
    *(
        b"3\r\nabc\r\n0\r\nContent-Length: 3\r\n\r\n",
        b"3\r\nabc\r\n0\r\n\nGET / HTTP/1.1\r\n\r\n",
        b"3 ; x\r\nabc\r\n000\r\n\r\n",
    ),
    *(
        b"65\r\n" + b"a" * 101 + b"\r\n0\r\n\r\n",
        b"\r\n",
        b"-3\r\nabc\r\n0\r\n\r\n",
        b"3\r\nabc\r\n0\r\nT\r\n\r\n",
        b"3;\rx\r\nabc\r\n0\r\n\r\n",
    ),
)


@st.composite
def message(draw: st.DrawFn) -> bytes:
    lines = [draw(st.sampled_from(LINES)), *draw(st.lists(st.sampled_from(HEADERS), max_size=4))]
    head = b"".join(line + draw(st.sampled_from(ENDS)) for line in lines)
    return head + draw(st.sampled_from(ENDS)) + draw(st.sampled_from(BODIES))


@st.composite
def well_formed(draw: st.DrawFn) -> bytes:
    body = draw(st.binary(max_size=MAX_BODY_BYTES))
    if draw(st.booleans()):
        framing = b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
    else:
        chunks = [chunk for chunk in cut(body, draw(st.lists(st.integers(0, 100), max_size=3))) if chunk]
        coded = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
        trailer = draw(st.sampled_from((b"", b"T: 1\r\n", b"A: 1\r\nB: 2\r\n")))
        framing = b"Transfer-Encoding: chunked\r\n\r\n" + coded + b"0\r\n" + trailer + b"\r\n"
    return draw(st.sampled_from((b"", b"\r\n"))) + b"POST /p?q=1 HTTP/1.1\r\nHost: a\r\n" + framing


places = st.lists(st.integers(0, 2000), max_size=8)


@settings(deadline=None)
@given(st.lists(message(), min_size=1, max_size=3).map(b"".join), places)
@example(
    b"POST /p HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n", []
)
@example(b"\r\n\r\nGET / HTTP/1.1\r\n\r\n", [1, 2, 3])
def test_nothing_is_answered_that_gunicorn_reads_differently(data: bytes, places: list[int]) -> None:
    ours, _ = by_us(cut(data, places))
    theirs, _ = by_gunicorn(cut(data, places))

    assert ours == theirs[: len(ours)]


@settings(deadline=None)
@given(st.lists(well_formed(), min_size=1, max_size=4), places)
def test_well_formed_requests_are_all_answered_however_they_are_cut(requests: list[bytes], places: list[int]) -> None:
    data = b"".join(requests)

    ours, refused = by_us(cut(data, places))

    assert (len(ours), refused) == (len(requests), 0)
    assert (ours, True) == by_gunicorn(cut(data, []))


HEAD = b"POST /p HTTP/1.1\r\nHost: a\r\n"


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (HEAD + b"Content-Length: 101\r\n\r\n", 413),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n65\r\n", 413),
        (HEAD + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400),
        (HEAD + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        (HEAD + b"X: 1\r\n folded\r\n\r\n", 400),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n", 400),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n", 400),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n3" + b";" * 9000, 400),
        (HEAD + b"Expect: tea\r\n\r\n", 417),
        (HEAD + b"Transfer-Encoding: br\r\n\r\n", 501),
        (b"GET /" + b"a" * 5000 + b" HTTP/1.1\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nX: " + b"a" * 9000 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\n" + b"X: 1\r\n" * 20_000, 431),
        (b"GET / HTTP/1.1\n\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n", 400),
    ],
)
def test_what_is_ambiguous_or_too_large_is_refused_as_soon_as_it_is_known(data: bytes, status: int) -> None:
    assert by_us([data]) == ([], status)
    assert by_us([data[place : place + 1] for place in range(len(data))]) == ([], status)


@pytest.mark.parametrize(
    ("trailers", "found"),
    [
        (b"\r\n", Scan.WHOLE),
        (b"T: 1\r\n" * 10_000 + b"\r\n", Scan.WHOLE),
        (b"T: 1\r\n\r", Scan.MORE),
        (b"T: 1\r\nT: \r1\r\n", Scan.MORE),
        (b"T: 1\r\n" * 10_000 + b"T: 1\n", Scan.MALFORMED),
        (b"T: 1\r\n" * 11_000, Scan.MALFORMED),
    ],
)
def test_trailers_are_the_same_however_they_are_cut(trailers: bytes, found: Scan) -> None:
    for size in (1, 2, 5, len(trailers)):
        scanner = ChunkScanner(MAX_BODY_BYTES)
        told = [scanner.feed(b"0\r\n")]
        while told[-1] is Scan.MORE and (place := (len(told) - 1) * size) < len(trailers):
            told.append(scanner.feed(trailers[place : place + size]))
        assert told[-1] is found


def test_a_client_that_waits_for_100_continue_is_told_once_and_only_if_its_body_is_wanted() -> None:
    wanted = Pieces([HEAD + b"Expect: 100-continue\r\nContent-Length: 3\r\n\r\n", b"a", b"bc"])
    unwanted = Pieces([HEAD + b"Expect: 100-continue\r\nContent-Length: 300\r\n\r\n"])

    assert len(by_us([], wanted)[0]) == 1
    assert by_us([], unwanted) == ([], 413)
    assert (wanted.sent, unwanted.sent) == ([b"HTTP/1.1 100 Continue\r\n\r\n"], [])


def test_a_refusal_has_an_id_as_each_answer_has() -> None:
    head, body = Refused(413, "too_large", "got more").reply("/predict/topic").split(b"\r\n\r\n")
    assert f"X-Request-ID: {json.loads(body)['request_id']}".encode() in head.split(b"\r\n")
