"""Keeps the log short in a flood of errors: a token bucket for each kind of line."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Flask

_EXTENSION = "plumbline_log_limit"

_BURST = 10.0
_PER_SECOND = 1.0

OnSuppressed = Callable[[str, str], None]
"""Takes the code and the model of a line that is not written."""


@dataclass
class _Bucket:
    tokens: float
    since: float
    suppressed: int = 0


class LogLimit:
    """Writes lines of the same *code* and *model*: ten at once, then one a second, which says how many were left out.

    Callers give it codes and models of a bounded number. Safe to share between threads.
    """

    def __init__(self, on_suppressed: OnSuppressed) -> None:
        self._on_suppressed = on_suppressed
        self._buckets: dict[tuple[str, str], _Bucket] = {}
        self._lock = threading.Lock()

    def log(self, log: logging.Logger, level: int, text: str, code: str, model: str = "", **more: Any) -> None:
        """Write *text* to *log*, unless there were too many of its kind."""
        suppressed = self._take(code, model)
        if suppressed is None:
            self._on_suppressed(code, model)
            return
        log.log(
            level, "%s%s", text, f" ({suppressed} such lines before it were left out)" if suppressed else "", **more
        )

    def _take(self, code: str, model: str) -> int | None:
        """Return how many lines were left out before this one; None if this one is to be, too."""
        now = time.monotonic()
        with self._lock:
            bucket = self._buckets.setdefault((code, model), _Bucket(_BURST, now))
            bucket.tokens = min(_BURST, bucket.tokens + (now - bucket.since) * _PER_SECOND)
            bucket.since = now
            if bucket.tokens < 1:
                bucket.suppressed += 1
                return None
            bucket.tokens -= 1
            suppressed, bucket.suppressed = bucket.suppressed, 0
            return suppressed


def register_log_limit(app: Flask, on_suppressed: OnSuppressed) -> LogLimit:
    """Add a limit to *app*, which `log_limit_of` returns."""
    limit = app.extensions[_EXTENSION] = LogLimit(on_suppressed)
    return limit


def log_limit_of(app: Flask) -> LogLimit:
    """Return the limit of *app*."""
    limit: LogLimit = app.extensions[_EXTENSION]
    return limit
