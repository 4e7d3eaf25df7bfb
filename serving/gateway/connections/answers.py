"""The socket that gunicorn writes answers to. The real one never blocks, since the main loop reads from it."""

import socket
from typing import Any, BinaryIO


class AnswerSocket:
    """Writes to *sock*. A client has *seconds* to take what does not fit into its buffer; else TimeoutError is raised.

    Most answers fit: with a timeout, Python would ask the system first whether it may write, and pass the right to run
    to other threads meanwhile. gunicorn writes an answer's head by itself, which would wake the client twice, so here
    it waits for what follows.
    """

    def __init__(self, sock: socket.socket, seconds: float) -> None:
        self._sock = sock
        self._seconds = seconds
        self._head: bytes | None = None
        self._is_begun = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)

    def sendall(self, data: bytes) -> None:
        """Send all of *data*, with the answer's head, or keep it if it is the head."""
        if not self._is_begun:
            self._head, self._is_begun = data, True
            return
        parts = (data,) if self._head is None else (self._head, data)
        self._head = None
        self._send(parts)

    def sendfile(self, file: BinaryIO, offset: int = 0, count: int | None = None) -> int:
        """Send a file, or *count* bytes of it from *offset* on. Return the number of bytes."""
        self._send_head()
        self._sock.settimeout(self._seconds)
        sent = self._sock.sendfile(file, offset, count)
        self._sock.settimeout(0)
        return sent

    def end(self) -> None:
        """End an answer, and send its head if nothing followed."""
        self._send_head()
        self._is_begun = False

    def _send_head(self) -> None:
        if self._head is not None:
            head, self._head = self._head, None
            self._send((head,))

    def _send(self, parts: tuple[bytes, ...]) -> None:
        try:
            sent = self._sock.sendmsg(parts)
        except BlockingIOError:
            sent = 0
        if sent < sum(map(len, parts)):
            self._sock.settimeout(self._seconds)
            self._sock.sendall(memoryview(b"".join(parts))[sent:])
            self._sock.settimeout(0)
