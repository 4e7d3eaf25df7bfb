"""gunicorn's worker with threads, except that its main loop reads the requests, and threads get whole ones only.

It relies on internals of gunicorn's ThreadWorker, so pyproject.toml caps gunicorn's version.
"""

import errno
import logging
import select
import selectors
import socket
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any

from gunicorn.errors import ConfigError
from gunicorn.http.errors import NoMoreData
from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, ThreadWorker

from serving.gateway.connections.connection import Connection, State
from serving.gateway.connections.limits import connection_limits_of
from serving.gateway.connections.refusals import Refused
from serving.gateway.connections.table import ConnectionTable
from serving.gateway.middleware.log_limit import log_limit_of
from serving.gateway.open_routes import PROBE_PATHS

_log = logging.getLogger(__name__)

_LINGER_SECONDS = 0.05
_MAX_ACCEPTED = 64
_FULL_SECONDS = 0.1
_COUNT_SECONDS = 1.0
_READ_BYTES = 64 * 1024
_NO_DESCRIPTORS = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_GONE = (errno.EPIPE, errno.ECONNRESET, errno.ENOTCONN)
_EVICTED = "evicted"

Event = tuple[Callable[[Any], None], Any]
"""What handles it, and what it came from."""

Outcome = bool | Refused
"""Whether a connection is kept, or what is to be answered before it is closed."""


class ReadingWorker(ThreadWorker):  # type: ignore[misc]
    """Holds no thread for a connection that has sent no whole request. Probes are answered by a thread of their own.

    Lingering: a thread waits a moment for the connection's next request before it hands the connection back to the main
    loop. Handing back goes through the main thread, twice a request, which was over half of the gateway's time in
    Python (measured with py-spy). A thread lingers only while no request is waiting for a thread.
    """

    @classmethod
    def check_config(cls, cfg: Any, log: Any) -> None:
        """Raise ConfigError for what is read before HTTP/1.1, and which this worker does not."""
        if cfg.is_ssl or cfg.proxy_protocol != "off":
            raise ConfigError("the gateway speaks plain HTTP: terminate TLS and the PROXY protocol at the ingress")

    def run(self) -> None:
        """Serve until the worker is to end."""
        # What is no attribute gunicorn looks up in its table, some twenty times a request.
        self.cfg.__dict__.update({name: setting.get() for name, setting in self.cfg.settings.items()})
        self._limits = connection_limits_of(self.wsgi)
        self._table = ConnectionTable(self._limits)
        self._probes = ThreadPoolExecutor(1, "probes")
        self._handed_over = 0
        self._accept_from = self._count_from = 0.0
        self.max_keepalived = 1  # gunicorn's own table stays empty: no reply has to close its connection for that
        super().run()
        self._probes.shutdown(wait=False)

    def set_accept_enabled(self, enabled: bool) -> None:
        """Accept connections, unless that is paused."""
        super().set_accept_enabled(enabled and not (self.alive and time.monotonic() < self._accept_from))

    def pause_accepting(self, seconds: float) -> None:
        """Accept nothing for a while."""
        self._accept_from = time.monotonic() + seconds
        self.set_accept_enabled(False)

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """Wait for events for at most *timeout* seconds, and handle them."""
        if self.alive and not self._accepting:
            timeout = min(timeout, max(0.0, self._accept_from - time.monotonic()))
        self.handle_events([(key.data, key.fileobj) for key, _ in self.poller.select(timeout)])

    def handle_events(self, events: Sequence[Event]) -> None:
        """Handle *events*."""
        for handle, source in events:
            handle(source)

    def accept(self, listener: socket.socket) -> None:
        """Accept the connections that wait."""
        for _ in range(_MAX_ACCEPTED):
            if not self.takes_next():
                return
            if len(self._table) >= self._limits.max_connections and not self._evict():
                self.pause_accepting(_FULL_SECONDS)
                return
            try:
                sock, client = listener.accept()
            except (BlockingIOError, ConnectionAbortedError):
                return
            except OSError as error:
                if error.errno not in _NO_DESCRIPTORS:
                    raise
                if self._evict():
                    continue
                self.pause_accepting(_FULL_SECONDS)
                return
            self._begin(Connection(self.cfg, sock, client, listener.getsockname(), self._limits))

    def takes_next(self) -> bool:
        """Return whether this worker is to accept the next connection."""
        return True

    def handle(self, conn: Connection, lingers: bool = True) -> Outcome:
        """Answer a request and those that follow at once. Runs in a thread of a pool."""
        try:
            while self._answer_and_leave(conn):
                conn.next()
                if not (lingers and self._is_thread_free() and self._follows(conn)):
                    return True
                if not self._enter(conn):
                    return False
                if conn.state != State.ANSWERING:
                    return True
        except Refused as refusal:
            return refusal
        except OSError:
            pass
        return False

    def _answer_and_leave(self, conn: Connection) -> bool:
        method, path = conn.request.method, conn.path
        try:
            return self.answer(conn)
        finally:
            self._limits.leave(method, path)

    def answer(self, conn: Connection) -> bool:
        """Answer one request. Return whether its connection may be kept."""
        try:
            kept = self.handle_request(conn.request, conn)
            conn.sock.end()
            return bool(kept and conn.parser.finish_body())
        except (StopIteration, NoMoreData, TimeoutError) as error:
            self.log.debug("Closing connection. %s", error)
        except OSError as error:
            if error.errno not in _GONE:
                self.log.exception("Socket error processing request.")
        except Exception as error:
            self.handle_error(conn.request, conn.sock, conn.client, error)
            with suppress(OSError):
                conn.sock.end()
        return False

    def finish_request(self, conn: Connection, fs: "Future[Outcome]") -> None:
        """Take a connection back from a thread. Runs in the main thread."""
        self._handed_over -= 1
        outcome = False if fs.cancelled() or fs.exception() else fs.result()
        if isinstance(outcome, Refused):
            self._refuse(conn, outcome)
        elif outcome:
            self._go_on(conn)
        else:
            self._close(conn)

    def murder_keepalived(self, force: bool = False) -> None:
        """End connections whose time is over, or all."""
        now = time.monotonic()
        for conn, state in self._table.expired(now):
            if state in (State.HEAD, State.BODY):
                part, seconds = ("head", self._limits.header_seconds), ("body", self._limits.body_seconds)
                self._refuse(conn, _too_slow(*(part if state == State.HEAD else seconds)))
            else:
                self._end(conn)
        for conn in self._table if force else ():
            self._end(conn)
        if now >= self._count_from or force:
            self._count_from = now + _COUNT_SECONDS
            self._limits.count(self._table.counts())

    def _cap_keepalive(self, deadline: float) -> None:
        self._table.cap_idle(STOP_KEEPALIVE_LINGER, time.monotonic())

    def _begin(self, conn: Connection) -> None:
        limit = self._limits.max_of_address
        if limit and conn.address and self._table.of_address(conn.address) >= limit:
            text = f"expected at most {limit} connections of one address (MAX_CONNECTIONS_PER_ADDRESS), got more"
            self._tell(conn, Refused(429, "too_many_connections", text))
            conn.socket.close()
            return
        self._table.put(conn, State.IDLE, time.monotonic())
        self.nr_conns = len(self._table)
        self._read(conn)  # often the request has come, too

    def _readable(self, conn: Connection, sock: socket.socket) -> None:
        if conn not in self._table:
            return  # ended by an event before this one
        if conn.state == State.CLOSING:
            self._discard(conn)
        else:
            self._read(conn)

    def _read(self, conn: Connection) -> None:
        try:
            conn.receive()
        except Refused as refusal:
            self._refuse(conn, refusal)
        except OSError:
            self._end(conn)
        else:
            self._go_on(conn)

    def _go_on(self, conn: Connection) -> None:
        """Hand a whole request to a thread, or wait for the rest."""
        if conn.state == State.ENDED:
            self._end(conn)
            return
        self._table.put(conn, conn.state, time.monotonic())
        try:
            if not self._enter(conn):
                self._close(conn)
                return
        except Refused as refusal:
            self._refuse(conn, refusal)
            return
        self._table.put(conn, conn.state, time.monotonic())
        if conn.state == State.ANSWERING:
            self._hand_over(conn)
        elif self._table.held_bytes > self._limits.max_held_bytes:
            self._refuse(conn, Refused(503, "overloaded", "too many bytes of bodies have come; try again later"))
        else:
            self._poll(conn)

    def _enter(self, conn: Connection) -> bool:
        """Let in a whole request, or answer with 429, then the next. Return whether the connection is kept.

        A client that is refused would connect again, which costs more than the refusal.
        """
        while conn.state == State.ANSWERING and (why := self._limits.enter(conn.request.method, conn.path)):
            keeps = self.alive and self.max_keepalived > 0 and not conn.request.should_close() and conn.drop_body()
            if not (self._tell(conn, Refused(429, "overloaded", why), keeps) and keeps):
                return False
            conn.next()
        return True

    def _hand_over(self, conn: Connection) -> None:
        self._unpoll(conn)
        self._handed_over += 1
        is_probe = conn.path in PROBE_PATHS
        future = (self._probes if is_probe else self.tpool).submit(self.handle, conn, not is_probe)
        future.add_done_callback(lambda done: self.method_queue.defer(self.finish_request, conn, done))

    def _is_thread_free(self) -> bool:
        """Return whether no request waits for a thread."""
        return bool(self.alive) and self._handed_over <= self.cfg.threads

    def _follows(self, conn: Connection) -> bool:
        """Return whether another whole request comes on the connection while this thread lingers."""
        poll = select.poll()
        poll.register(conn.socket, select.POLLIN)
        until = time.monotonic() + _LINGER_SECONDS
        while conn.state not in (State.ANSWERING, State.ENDED):
            left = until - time.monotonic()
            if left <= 0 or not poll.poll(1000 * left):
                return False
            conn.receive()
        return conn.state == State.ANSWERING

    def _refuse(self, conn: Connection, refusal: Refused) -> None:
        self._tell(conn, refusal)
        self._close(conn)

    def _tell(self, conn: Connection, refusal: Refused, keeps: bool = False) -> bool:
        """Answer with *refusal*. Return whether all of it was sent."""
        self._limits.refuse(refusal.code)
        refusal.request_id = conn.sent_request_id or refusal.request_id
        text = f"refused a request of {conn.address or 'a client'}: {refusal.detail} (request_id={refusal.request_id})"
        log_limit_of(self.wsgi).log(_log, logging.WARNING, text, refusal.code)
        reply = refusal.reply(conn.path, keeps)
        with suppress(OSError):  # it is gone, or reads nothing
            return conn.socket.send(reply) == len(reply)
        return False

    def _close(self, conn: Connection) -> None:
        """Send no more, and end the connection once the client does, too."""
        conn.state = State.CLOSING
        self._table.put(conn, State.CLOSING, time.monotonic())
        try:
            conn.socket.shutdown(socket.SHUT_WR)
        except OSError:
            self._end(conn)
        else:
            self._poll(conn)

    def _discard(self, conn: Connection) -> None:
        try:
            data = conn.socket.recv(_READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._end(conn)

    def _evict(self) -> bool:
        """End the connection that has been idle for longest. Return whether there was one."""
        conn = self._table.evictable()
        if conn:
            self._limits.refuse(_EVICTED)
            self._end(conn)
        return conn is not None

    def _end(self, conn: Connection) -> None:
        self._unpoll(conn)
        self._table.remove(conn)
        self.nr_conns = len(self._table)
        conn.socket.close()

    def _poll(self, conn: Connection) -> None:
        if not conn.is_polled:
            conn.is_polled = True
            self.poller.register(conn.socket, selectors.EVENT_READ, partial(self._readable, conn))

    def _unpoll(self, conn: Connection) -> None:
        if conn.is_polled:
            conn.is_polled = False
            self.poller.unregister(conn.socket)


def _too_slow(part: str, seconds: float) -> Refused:
    variable = "HEADER_SECONDS" if part == "head" else "BODY_SECONDS"
    return Refused(408, "request_timeout", f"expected the {part} of the request within {seconds:g} s ({variable})")
