"""The thread that keeps a catalog up to date. Each process starts its own, after any fork."""

import logging
import threading

from serving.catalog.catalog import Catalog

_log = logging.getLogger(__name__)


class Refresher:
    """Refreshes every model of *catalog* every *seconds* seconds, from `start` until `close`."""

    def __init__(self, catalog: Catalog, seconds: float) -> None:
        self._catalog = catalog
        self._seconds = seconds
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="catalog-refresher", daemon=True)

    def start(self) -> None:
        """Start the thread, which refreshes at once."""
        self._thread.start()

    def close(self) -> None:
        """Stop the thread. Wait for a refresh in progress, unless that takes long."""
        self._closing.set()
        self._thread.join(timeout=3)

    def _run(self) -> None:
        while not self._closing.is_set():
            for model in self._catalog.models:
                self._refresh(model)
            self._closing.wait(self._seconds)

    def _refresh(self, model: str) -> None:
        try:
            self._catalog.refresh(model)
        except Exception:  # a bug in one refresh must not end all later ones
            _log.exception("%s: the refresh failed", model)
