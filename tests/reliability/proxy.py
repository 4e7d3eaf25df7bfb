"""A TCP proxy by which a test cuts or slows the connections between two servers."""

import contextlib
import socket
import threading
import time
from typing import Self

_CHUNK = 65536


class Proxy:
    """Listens at a port of its own while the block lasts, and connects each caller to *target*."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.delay_seconds = 0.0
        """How long each chunk is kept back, in both directions."""
        self._listener = _listening(0)
        self.port = self._listener.getsockname()[1]
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        self._accept_in_a_thread()
        return self

    def __exit__(self, *_: object) -> None:
        self.cut()

    def cut(self) -> None:
        """Break all connections, and refuse new ones."""
        self._listener.shutdown(socket.SHUT_RDWR)  # which wakes the thread that accepts
        self._listener.close()
        with self._lock:
            for each in self._open:
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
            self._open.clear()

    def mend(self) -> None:
        """Accept connections again."""
        self._listener = _listening(self.port)
        self._accept_in_a_thread()

    def _accept_in_a_thread(self) -> None:
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):  # it was closed
            while True:
                caller, _ = listener.accept()
                try:
                    server = socket.create_connection(("127.0.0.1", self.target))
                except OSError:
                    caller.close()
                    continue
                with self._lock:
                    self._open |= {caller, server}
                for pair in ((caller, server), (server, caller)):
                    threading.Thread(target=self._pump, args=pair, daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(_CHUNK):
                time.sleep(self.delay_seconds)
                sink.sendall(data)
        for each in (source, sink):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        with self._lock:
            self._open -= {source, sink}
        source.close()


def _listening(port: int) -> socket.socket:
    return socket.create_server(("127.0.0.1", port), backlog=128)
