"""What came on a connection, as the source that gunicorn's parser reads. It never waits for more."""

from collections import deque
from io import BytesIO

from gunicorn.http.unreader import SocketUnreader, Unreader

_PIECE_BYTES = 8192
_LARGEST_PIECE_BYTES = SocketUnreader.max_body_chunk


class Received(Unreader):  # type: ignore[misc]
    """Bytes that came and were not parsed yet.

    They are handed out in pieces as a socket would: the parser copies the rest of a piece at each chunk of a body.
    """

    def __init__(self) -> None:
        super().__init__()
        self._pieces: deque[bytes] = deque()
        self._offset = 0
        self._waiting = 0

    def __len__(self) -> int:
        return self._waiting + int(self.buf.getbuffer().nbytes)

    def add(self, data: bytes) -> None:
        """Add what came."""
        if self._pieces and len(self._pieces[-1]) + len(data) <= _PIECE_BYTES:
            self._pieces[-1] += data  # a client may send single bytes, and each object takes 33 more
        else:
            self._pieces.append(data)
        self._waiting += len(data)

    def everything(self) -> bytes:
        """Return all of it, and keep it."""
        first, *others = self._pieces or (b"",)
        return b"".join([self.buf.getvalue(), first[self._offset :], *others])

    def skip(self, count: int) -> None:
        """Drop the next *count* bytes, which have come."""
        rest = self.everything()[count:] if count < len(self) else b""
        self.buf = BytesIO()
        self._pieces = deque([rest] if rest else ())
        self._offset, self._waiting = 0, len(rest)

    def chunk(self, size_hint: int | None = None) -> bytes:
        """Return the next piece, b"" if there is none: for the parser the connection then has ended."""
        if not self._pieces:
            return b""
        size = max(_PIECE_BYTES, min(size_hint or 0, _LARGEST_PIECE_BYTES))
        first, begin = self._pieces[0], self._offset
        piece = first[begin : begin + size]
        self._offset += len(piece)
        if self._offset == len(first):
            self._pieces.popleft()
            self._offset = 0
        self._waiting -= len(piece)
        return piece
