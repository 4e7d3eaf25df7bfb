"""gunicorn's worker, changed in how it begins, reads, schedules, shares load with others, and ends."""

import threading
import time
from collections import deque
from collections.abc import Sequence
from typing import Any

from serving.gateway.accepting import can_answer
from serving.gateway.connection_counts import ConnectionCounts
from serving.gateway.connections.connection import Connection
from serving.gateway.connections.reading_worker import Event, ReadingWorker
from serving.gateway.drain import drain_of
from serving.gateway.scheduling import run_queue_of
from serving.prediction.run_queue import SLICE_SECONDS

_LOOK_SECONDS = 0.001
_START_LOOK_SECONDS = 0.02
_START_SECONDS, _START_ALONE_SECONDS = 300.0, 10.0
"""How long a worker may take until it can answer: if others accept connections, and if none does and probes wait."""

_FEW_EVENTS = 4
_SLACK = 8
"""A worker may have more connections than another by this part: in a flood its loop turns too seldom for less."""

_connections = ConnectionCounts()


class Worker(ReadingWorker):
    """Differs from gunicorn's worker in how it reads, see ReadingWorker, and in four ways more.

    Beginning: it accepts no connection before its application can answer, as long as others do.

    Draining: at SIGTERM it continues to serve for its application's drain time. Kubernetes and load balancers need that
    time to notice that it is no longer ready. A second SIGTERM ends it at once.

    Scheduling: each request has one turn in its application's run queue, until its answer is written. So has the main
    loop where it has much to do. Else a thread that computes would take Python's right to run at each of its calls to
    the system, and keep it for milliseconds; in a flood, refusals then took seconds.

    Balancing: a new connection is left to the worker with the fewest. Otherwise one worker could take all connections
    that come at once. If that worker doesn't take it, any other does, a little later.
    """

    processor: int | None = None
    """The one that the worker is pinned to, with PIN_WORKERS.

    Only one of its threads runs Python at a time. Passing the interpreter lock to a thread on another processor takes
    longer than to one on the same, and several would compete for it.
    """

    leave_seconds = 0.002
    """How long a connection is left to a worker that has fewer."""

    _accepting_begun = False
    _draining = False
    _left_until: float | None = None
    _connected = 0

    @property
    def nr_conns(self) -> int:
        """Its open connections, which gunicorn counts here."""
        return self._connected

    @nr_conns.setter
    def nr_conns(self, count: int) -> None:
        self._connected = count
        if self._accepting_begun:
            _connections.set(self.age, count)

    def run(self) -> None:
        """Wait until the application can answer, and serve."""
        since = time.monotonic()
        while self.alive and not self._draining and self._waits_until_it_can_answer(time.monotonic() - since):
            self.notify()
            time.sleep(_START_LOOK_SECONDS)
        self._accepting_begun = True
        self.nr_conns = 0
        super().run()

    def _waits_until_it_can_answer(self, waited_seconds: float) -> bool:
        longest = _START_SECONDS if _connections.are_any else _START_ALONE_SECONDS
        return waited_seconds < longest and self.is_parent_alive() and not can_answer(self.wsgi)

    def ended(self) -> None:
        """Stop leaving connections to this worker. Called in gunicorn's main process."""
        _connections.remove(self.age)

    def takes_next(self) -> bool:
        """Return whether to accept the next connection: not if a worker with fewer will."""
        now = time.monotonic()
        if self._left_until is None:
            self._left_until = now + self.leave_seconds
        fewest = _connections.fewest
        if fewest + fewest // _SLACK < self.nr_conns and now < self._left_until:
            self.pause_accepting(_LOOK_SECONDS)
            return False
        self._left_until = None
        return True

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """Wait for events for at most *timeout* seconds, and handle them."""
        super().wait_for_and_dispatch_events(timeout)
        if self._accepting:
            self._left_until = None  # what was left to another worker was taken

    def handle_events(self, events: Sequence[Event]) -> None:
        """Handle a few events at once, and many in turns of half a time slice, between which the threads go on."""
        if len(events) <= _FEW_EVENTS:
            super().handle_events(events)
            return
        run_queue, waiting = run_queue_of(self.wsgi), deque(events)
        while waiting:
            with run_queue.one_turn():
                run_queue.begin(first=True)
                until = time.monotonic() + SLICE_SECONDS / 2
                while waiting and time.monotonic() < until:
                    super().handle_events([waiting.popleft()])

    def handle_exit(self, sig: int, frame: Any) -> None:
        """Start to drain, or end. Called as a signal handler: whatever takes a lock is left to the main loop."""
        if self._draining:
            super().handle_exit(sig, frame)
        else:
            self._draining = True
            self.method_queue.defer(self._drain, sig)

    def answer(self, conn: Connection) -> bool:
        """Answer one request in one turn. Return whether its connection may be kept."""
        with run_queue_of(self.wsgi).one_turn():
            return super().answer(conn)

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """Answer a request whose handling failed. Its query, which gunicorn would log, may hold a key."""
        if hasattr(req, "uri"):
            req.uri = req.uri.partition("?")[0]
        super().handle_error(req, client, addr, exc)

    def _drain(self, sig: int) -> None:
        drain = drain_of(self.wsgi)
        drain.begin()
        if drain.seconds:
            self.log.info("draining for %g s", drain.seconds)
            self.max_keepalived = 0  # each answer closes its connection, so that the next request goes elsewhere
        timer = threading.Timer(drain.seconds, super().handle_exit, (sig, None))
        timer.daemon = True
        timer.start()
