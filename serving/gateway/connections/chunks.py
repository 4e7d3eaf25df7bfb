"""Where a body in chunks ends (RFC 9112, section 7.1), found as its bytes come."""

from enum import Enum, auto

_MAX_LINE_BYTES = 8190
_MAX_TRAILER_BYTES = 64 * 1024
_MAX_CHUNKS = 100_000
"""Tiny chunks take time rather than memory."""
_HEX = frozenset(b"0123456789abcdefABCDEF")


class Scan(Enum):
    """What is known of the body."""

    MORE = auto()
    WHOLE = auto()
    TOO_LARGE = auto()
    MALFORMED = auto()


class ChunkScanner:
    """Follows a body of at most *max_bytes* bytes. What it finds whole may still be refused by the parser."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._chunks = 0
        self._left = 0
        self._carry = b""
        self._expects_line_end = False
        self._in_trailers = False
        self._trailer_bytes = 0

    def feed(self, data: bytes) -> Scan:
        """Take the bytes that came next."""
        carried, data, at = len(self._carry), self._carry + data, 0
        self._carry = b""
        while True:
            step = min(self._left, len(data) - at)
            self._left -= step
            at += step
            if self._left:
                return Scan.MORE
            if self._in_trailers:
                return self._trailers(data[at:], max(0, carried - at))
            end = at if self._expects_line_end else data.find(b"\r\n", at)
            if end < 0 or len(data) - end < 2:
                return self._keep(data[at:])
            if self._expects_line_end:
                found = Scan.MORE if data[at : at + 2] == b"\r\n" else Scan.MALFORMED
                self._expects_line_end = False
            else:
                found = self._begin(data[at:end])
            if found is not Scan.MORE:
                return found
            at = end + 2

    def _begin(self, line: bytes) -> Scan:
        """Begin the chunk that *line* announces."""
        text = line.partition(b";")[0].rstrip(b" \t") if b";" in line else line
        if not text or len(line) > _MAX_LINE_BYTES or not _HEX.issuperset(text):
            return Scan.MALFORMED
        size = int(text, 16)
        self._left = size
        self._expects_line_end = size > 0
        self._in_trailers = size == 0
        self._bytes += size
        self._chunks += 1
        if self._bytes > self._max_bytes:
            return Scan.TOO_LARGE
        return Scan.MALFORMED if self._chunks > _MAX_CHUNKS else Scan.MORE

    def _keep(self, line: bytes) -> Scan:
        self._carry = line
        return Scan.MORE if len(line) <= _MAX_LINE_BYTES else Scan.MALFORMED

    def _trailers(self, data: bytes, known: int) -> Scan:
        """Take trailers. The first *known* bytes were looked at: no more are carried than may begin what ends them."""
        self._trailer_bytes += len(data) - known
        is_first = self._trailer_bytes == len(data)
        if (is_first and data.startswith(b"\r\n")) or b"\r\n\r\n" in data:
            return Scan.WHOLE
        self._carry = data[-3:]
        is_bare = data.count(b"\n", known) != data.count(b"\r\n", max(0, known - 1))
        return Scan.MALFORMED if is_bare or self._trailer_bytes > _MAX_TRAILER_BYTES else Scan.MORE
