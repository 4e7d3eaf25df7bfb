"""The socket that gunicorn writes answers to. The real one never blocks, since the main loop reads from it."""

import socket
from typing import Any, BinaryIO


class AnswerSocket:
    """Writes to *sock*. A client has *seconds* to take what does not fit into its buffer; else TimeoutError is raised.

    Most answers fit: with a timeout, Python would ask the system first whether it may write, and pass the right to run
    to other threads meanwhile.
    """

    def __init__(self, sock: socket.socket, seconds: float) -> None:
        self._sock = sock
        self._seconds = seconds

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)

    def sendall(self, data: bytes) -> None:
        """Send all of *data*."""
        try:
            sent = self._sock.send(data)
        except BlockingIOError:
            sent = 0
        if sent < len(data):
            self._sock.settimeout(self._seconds)
            self._sock.sendall(memoryview(data)[sent:])
            self._sock.settimeout(0)

    def sendfile(self, file: BinaryIO, offset: int = 0, count: int | None = None) -> int:
        """Send a file, or *count* bytes of it from *offset* on. Return the number of bytes."""
        self._sock.settimeout(self._seconds)
        sent = self._sock.sendfile(file, offset, count)
        self._sock.settimeout(0)
        return sent
