"""gunicorn's worker with threads, which at SIGTERM is not ready for a while before it takes no more connections.

Kubernetes and load balancers need that time to notice: they send new requests to where they were ready a moment ago.
"""

import threading
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

from serving.gateway.drain import drain_of


class Worker(ThreadWorker):  # type: ignore[misc]
    """Drains for as long as its application says; a second SIGTERM ends that at once."""

    _draining = False

    def handle_exit(self, sig: int, frame: Any) -> None:
        """Begin to drain, or to end. Called as a signal handler: whatever takes a lock is left to the main loop."""
        if self._draining:
            super().handle_exit(sig, frame)
        else:
            self._draining = True
            self.method_queue.defer(self._drain, sig)

    def _drain(self, sig: int) -> None:
        drain = drain_of(self.wsgi)
        drain.begin()
        if drain.seconds:
            self.log.info("draining for %g s", drain.seconds)
            self.max_keepalived = 0  # each answer closes its connection, so that the next request goes elsewhere
        timer = threading.Timer(drain.seconds, super().handle_exit, (sig, None))
        timer.daemon = True
        timer.start()
