"""The end of a process in order: first it is not ready any more, then it takes no more requests."""

import threading

from flask import Flask

_EXTENSION = "plumbline_drain"


class Drain:
    """Whether the process has been told to end; for *seconds* more it answers new requests."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._begun = threading.Event()

    @property
    def begun(self) -> bool:
        """Whether the process is about to end."""
        return self._begun.is_set()

    def begin(self) -> None:
        """Note that the process is about to end."""
        self._begun.set()


def register_drain(app: Flask, seconds: float) -> Drain:
    """Give *app* a drain, for `drain_of` to find."""
    drain = app.extensions[_EXTENSION] = Drain(seconds)
    return drain


def drain_of(app: Flask) -> Drain:
    """Give the drain of *app*."""
    drain: Drain = app.extensions[_EXTENSION]
    return drain
