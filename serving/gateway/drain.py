"""Graceful shutdown: a process first reports that it is not ready, and later stops accepting requests."""

import threading

from flask import Flask

_EXTENSION = "plumbline_drain"


class Drain:
    """Whether the process is shutting down. It still answers new requests for *seconds*."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._begun = threading.Event()

    @property
    def begun(self) -> bool:
        """Whether the process is shutting down."""
        return self._begun.is_set()

    def begin(self) -> None:
        """Start the shutdown."""
        self._begun.set()


def register_drain(app: Flask, seconds: float) -> Drain:
    """Add a drain to *app*, which `drain_of` returns."""
    drain = app.extensions[_EXTENSION] = Drain(seconds)
    return drain


def drain_of(app: Flask) -> Drain:
    """Return the drain of *app*."""
    drain: Drain = app.extensions[_EXTENSION]
    return drain
