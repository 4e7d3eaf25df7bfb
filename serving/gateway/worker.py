"""gunicorn's worker with threads, whose threads wait a moment for the next request on the connection they answered."""

import select
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

_LINGER_MILLISECONDS = 50


class LingeringWorker(ThreadWorker):  # type: ignore[misc]
    """Serves as gunicorn's own does, but hands a connection back to its poller only when no request follows at once.

    The way back is through the main thread, twice a request: over half of what the gateway did in Python (measured with
    py-spy). A thread lingers only while there are as many threads as connections, so that it keeps nobody waiting.
    """

    def handle(self, conn: Any) -> Any:
        """Handle a request, and those that follow at once. Runs in a thread of the pool."""
        kept = super().handle(conn)
        while kept is True and self._follows(conn):
            kept = super().handle(conn)
        return kept

    def _follows(self, conn: Any) -> bool:
        if not self.alive or self.nr_conns > self.cfg.threads or conn.is_http2 or conn.parser.unreader.buf.getvalue():
            return False
        waiting = select.poll()
        waiting.register(conn.sock, select.POLLIN)
        return bool(waiting.poll(_LINGER_MILLISECONDS))
