"""What hostile callers send: all of it harmless in size, and refused by a gateway."""

import contextlib
import gzip
import io
import itertools
import socket
import struct
import threading
import time
import zlib
from collections import Counter
from collections.abc import Iterator

from PIL import Image

from tests.reliability.versions import MODEL

SOURCE = "127.0.0.2"
"""Their address, which is another than that of the callers whose answers are counted."""

PICTURES = "digits"
_SECONDS = 20.0
_MEGABYTE = 2**20


def send(port: int, request: bytes) -> int:
    """Send a request, and return the status of its answer; 0 if the connection was closed without one."""
    with socket.create_connection(("127.0.0.1", port), _SECONDS, (SOURCE, 0)) as connection:
        with contextlib.suppress(OSError):  # an answer may come before everything is sent
            connection.sendall(request)
        with contextlib.suppress(OSError):
            words = connection.makefile("rb").readline().split()
            return int(words[1]) if len(words) > 1 else 0
    return 0


def flood(port: int, requests: list[bytes], seconds: float, callers: int = 8) -> Counter[int]:
    """Send *requests* in turn by several callers for as long as that, each at least once; count the statuses."""
    statuses: Counter[int] = Counter()
    end = time.monotonic() + seconds

    def call(first: int) -> None:
        for turn in itertools.count():
            if turn * callers >= len(requests) and time.monotonic() > end:
                return
            statuses[send(port, requests[(first + turn * callers) % len(requests)])] += 1

    threads = [threading.Thread(target=call, args=(number,)) for number in range(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return statuses


@contextlib.contextmanager
def idle(port: int, count: int) -> Iterator[None]:
    """Hold *count* connections that say nothing."""
    with contextlib.ExitStack() as stack:
        for _ in range(count):
            stack.enter_context(socket.create_connection(("127.0.0.1", port), _SECONDS, (SOURCE, 0)))
        yield


@contextlib.contextmanager
def dripping(port: int, count: int) -> Iterator[None]:
    """Hold *count* connections, each of which sends a byte of a header five times a second."""
    stop = threading.Event()
    with contextlib.ExitStack() as stack:
        held = [socket.create_connection(("127.0.0.1", port), _SECONDS, (SOURCE, 0)) for _ in range(count)]
        for each in held:
            stack.enter_context(each)
            each.sendall(b"GET / HTTP/1.1\r\nX: ")

        def drip() -> None:
            while not stop.wait(0.2):
                for each in held:
                    with contextlib.suppress(OSError):  # it was closed
                        each.send(b"x")

        thread = threading.Thread(target=drip)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()


def post(path: str, body: bytes, headers: str = "Content-Type: application/json\r\n") -> bytes:
    """Return a request with a body."""
    return f"POST {path} HTTP/1.1\r\nHost: x\r\n{headers}Content-Length: {len(body)}\r\n\r\n".encode() + body


def floods() -> dict[str, list[bytes]]:
    """Return requests by what they are."""
    house, nested = f"/predict/{MODEL}", b'{"rooms":' + b"[" * 100_000
    zeros = gzip.compress(b"0" * 32 * _MEGABYTE)
    zipped = "Content-Type: application/json\r\nContent-Encoding: gzip\r\n"
    chunked = "POST {} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    return {
        "unknown paths and models": [b"GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n", post("/predict/nobody", b"{}")],
        "bytes that are not HTTP": [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 9 + b"\r\n\r\n", b"\0\r\n\r\n"],
        "huge heads": [
            b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 2000 + b"\r\n",
            b"GET /" + b"x" * 65536 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        ],
        "invalid chunks": [
            chunked.format(house).encode() + each + b"\r\n{}\r\n0\r\n\r\n" for each in (b"zz", b"-2", b"0x2", b"2 2")
        ],
        "deep and odd JSON": [
            *(
                post(house, each)
                for each in (nested, nested + b"]" * 100_000 + b"}", b'{"rooms":' + b"9" * 100_000 + b"}")
            ),
            *(post(house, each) for each in (b'{"rooms": NaN}', b'"' + b"\\ud800" * 10_000 + b'"', b"\xff\xfe{\0}\0")),
            post(house, b'{"instances":[' + b"{}," * 100_000 + b"{}]}"),
            post(house, b"{" + b",".join(b'"a%d":1' % number for number in range(20_000)) + b"}"),
        ],
        "bodies that are too large": [post(house, b" " * 17 * _MEGABYTE), post(house, zeros, zipped)],
        "pictures that claim to be large": [_picture(each) for each in _bombs()],
        "broken pictures": [_picture(each) for each in _broken()],
    }


def _picture(data: bytes) -> bytes:
    return post(f"/predict/{PICTURES}", data, "Content-Type: image/png\r\n")


def _saved(kind: str, mode: str = "RGB") -> bytes:
    file = io.BytesIO()
    Image.new(mode, (40, 40)).save(file, kind)
    return file.getvalue()


def _bombs() -> Iterator[bytes]:
    """Give small files whose heads say 60,000 by 60,000 pixels."""
    side = 60_000
    header = b"IHDR" + struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    png = _saved("PNG")
    yield png[:12] + header + struct.pack(">I", zlib.crc32(header)) + png[33:]
    gif = _saved("GIF")
    yield gif[:6] + struct.pack("<HH", side, side) + gif[10:]
    bmp = _saved("BMP")
    yield bmp[:18] + struct.pack("<II", side, side) + bmp[26:]
    jpeg = _saved("JPEG")
    frame = jpeg.index(b"\xff\xc0") + 5
    yield jpeg[:frame] + struct.pack(">HH", side, side) + jpeg[frame + 4 :]
    yield b"P6 60000 60000 255\n" + b"\0" * 1000


def _broken() -> Iterator[bytes]:
    for kind in ("PNG", "GIF", "BMP", "JPEG", "WEBP", "TIFF"):
        whole = _saved(kind)
        yield whole[: len(whole) // 2]
        yield whole[:20] + b"\xff" * 40 + whole[60:]
    yield b""
