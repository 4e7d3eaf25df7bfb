"""The thread that keeps a catalog up to date. Each process starts its own, after any fork."""

import logging
import threading
import time
from collections.abc import Callable

from serving.catalog.catalog import Catalog

_log = logging.getLogger(__name__)

_CLOSE_SECONDS = 3.0


class Refresher:
    """Refreshes *catalog* every *seconds* seconds, from `start` until `close`.

    Each model has a thread of its own, so that one which takes long, or never ends, delays no other.
    """

    def __init__(self, catalog: Catalog, seconds: float) -> None:
        self._catalog = catalog
        self._seconds = seconds
        self._closing = threading.Event()
        self._threads: dict[str, threading.Thread] = {}
        self._thread = threading.Thread(target=self._run, name="catalog-refresher", daemon=True)

    def start(self) -> None:
        """Start the threads, which refresh at once."""
        self._thread.start()

    def close(self) -> None:
        """Stop the threads. Wait for refreshes in progress, unless they take long."""
        self._closing.set()
        deadline = time.monotonic() + _CLOSE_SECONDS
        for thread in (self._thread, *self._threads.values()):
            thread.join(timeout=max(0.0, deadline - time.monotonic()))

    def _run(self) -> None:
        while not self._closing.is_set():
            self._guarded("the models", self._catalog.look)
            models = self._catalog.models
            alive = {model: thread for model, thread in self._threads.items() if thread.is_alive()}
            started = {model: self._started(model) for model in models if model not in alive}
            self._threads = alive | started
            self._closing.wait(self._seconds)

    def _started(self, model: str) -> threading.Thread:
        thread = threading.Thread(target=self._follow, args=(model,), name=f"refresh-{model}", daemon=True)
        thread.start()
        return thread

    def _follow(self, model: str) -> None:
        while not self._closing.is_set() and model in self._catalog.models:
            self._guarded(model, lambda: self._catalog.refresh(model))
            self._closing.wait(self._seconds)

    def _guarded(self, what: str, refresh: Callable[[], None]) -> None:
        try:
            refresh()
        except Exception:  # a bug in one refresh must not end all later ones
            _log.exception("%s: the refresh failed", what)
