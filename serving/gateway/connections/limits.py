"""What connections may take, and where a gateway process keeps that."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from flask import Flask

from serving.gateway.settings import Settings

_EXTENSION = "plumbline_connections"
_MAX_BODIES = 16
"""How many of the largest bodies a process holds in memory at a time."""


def _nothing(*_: object) -> None:
    pass


@dataclass(frozen=True)
class ConnectionLimits:
    """The limits of one process.

    *count* is told how many connections are in which state, *refuse* each refusal's code. *enter* says by method and
    path why a request is one too many; empty if it is not, and then *leave* is told of its end.

    Times are in seconds: *idle* until a request begins, *header* until its head has come, *body* until its body has,
    and until its answer was taken.
    """

    max_connections: int = 4096
    max_of_address: int | None = None
    idle_seconds: float = 75.0
    header_seconds: float = 10.0
    body_seconds: float = 60.0
    max_body_bytes: int = 16 * 1024 * 1024
    count: Callable[[Mapping[str, int]], None] = _nothing
    refuse: Callable[[str], None] = _nothing
    enter: Callable[[str, str], str] = lambda method, path: ""
    leave: Callable[[str, str], None] = _nothing

    @property
    def max_held_bytes(self) -> int:
        """How many bytes of requests to hold."""
        return _MAX_BODIES * self.max_body_bytes

    @staticmethod
    def of(
        settings: Settings,
        count: Callable[[Mapping[str, int]], None],
        refuse: Callable[[str], None],
        enter: Callable[[str, str], str],
        leave: Callable[[str, str], None],
    ) -> "ConnectionLimits":
        """Return those of *settings*."""
        return ConnectionLimits(
            max_connections=settings.max_connections,
            max_of_address=settings.max_connections_per_address,
            header_seconds=settings.header_seconds,
            body_seconds=settings.body_seconds,
            max_body_bytes=settings.max_body_bytes,
            count=count,
            refuse=refuse,
            enter=enter,
            leave=leave,
        )


def register_connection_limits(app: Flask, limits: ConnectionLimits) -> None:
    """Give *app* limits, which `connection_limits_of` returns."""
    app.extensions[_EXTENSION] = limits


def connection_limits_of(app: Flask) -> ConnectionLimits:
    """Return the limits of *app*."""
    limits: ConnectionLimits = app.extensions[_EXTENSION]
    return limits
