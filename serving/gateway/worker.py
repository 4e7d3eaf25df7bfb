"""gunicorn's worker with threads, but for how it ends, waits for the next request, and shares with other workers."""

import mmap
import select
import threading
import time
from array import array
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

from serving.gateway.drain import drain_of
from serving.gateway.scheduling import run_queue_of

_LINGER_MILLISECONDS = 50
_LOOK_SECONDS = 0.0002

_MOST_WORKERS = 64
_NONE = 2**31 - 1
_connections = memoryview(mmap.mmap(-1, 4 * _MOST_WORKERS)).cast("i")
"""Each worker's open connections, in memory that all share; _NONE for one that there isn't."""
_connections[:] = array("i", [_NONE] * _MOST_WORKERS)


class Worker(ThreadWorker):  # type: ignore[misc]
    """At SIGTERM it drains for as long as its application says; a second SIGTERM ends that at once.

    Kubernetes and load balancers need that time to notice that it is not ready any more: they send new requests to
    where they were ready a moment ago.

    A connection goes back to the poller only when no request follows at once. The way back is through the main thread,
    twice a request: over half of what the gateway did in Python (measured with py-spy). A thread lingers only while
    there are as many threads as connections, so that it keeps nobody waiting.

    A request has one turn in its application's run queue, until its answer is written.

    A new connection is for the worker that has the fewest, or one could get all that come at once, and another none.
    That one may not be able to take it: then any does, a little later.
    """

    processor: int | None = None
    """The one that it keeps to, with PIN_WORKERS.

    Only one of its threads runs Python at a time. To hand that right to a thread on another processor takes longer than
    on the same, and several at once ask for it.
    """

    leave_seconds = 0.002
    """So long it leaves a connection to a worker that has fewer."""

    _draining = False
    _connected = 0

    @property
    def nr_conns(self) -> int:
        """Its open connections, which gunicorn counts here."""
        return self._connected

    @nr_conns.setter
    def nr_conns(self, count: int) -> None:
        self._connected = _connections[self.age % _MOST_WORKERS] = count

    def ended(self) -> None:
        """Leave no connections to it. Called in gunicorn's first process."""
        self.nr_conns = _NONE

    def accept(self, listener: Any) -> None:
        """Take a connection, unless a worker with fewer does."""
        deadline = time.monotonic() + self.leave_seconds
        while min(_connections) < self.nr_conns and time.monotonic() < deadline:
            time.sleep(_LOOK_SECONDS)
        super().accept(listener)

    def handle_exit(self, sig: int, frame: Any) -> None:
        """Begin to drain, or to end. Called as a signal handler: whatever takes a lock is left to the main loop."""
        if self._draining:
            super().handle_exit(sig, frame)
        else:
            self._draining = True
            self.method_queue.defer(self._drain, sig)

    def handle(self, conn: Any) -> Any:
        """Handle a request, and those that follow at once. Runs in a thread of the pool."""
        kept = self._handle_next(conn)
        while kept is True and self._follows(conn):
            kept = self._handle_next(conn)
        return kept

    def _drain(self, sig: int) -> None:
        drain = drain_of(self.wsgi)
        drain.begin()
        if drain.seconds:
            self.log.info("draining for %g s", drain.seconds)
            self.max_keepalived = 0  # each answer closes its connection, so that the next request goes elsewhere
        timer = threading.Timer(drain.seconds, super().handle_exit, (sig, None))
        timer.daemon = True
        timer.start()

    def _handle_next(self, conn: Any) -> Any:
        with run_queue_of(self.wsgi).one_turn():
            return super().handle(conn)

    def _follows(self, conn: Any) -> bool:
        if not self.alive or self.nr_conns > self.cfg.threads or conn.is_http2 or conn.parser.unreader.buf.getvalue():
            return False
        waiting = select.poll()
        waiting.register(conn.sock, select.POLLIN)
        return bool(waiting.poll(_LINGER_MILLISECONDS))
