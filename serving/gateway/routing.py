"""What a caller says beside the instances: which version is to answer, and by when."""

import math
import time
from dataclasses import dataclass

import flask

from serving.errors import MalformedRequest

TIMEOUT_HEADER = "X-Request-Timeout"

_LARGEST_VERSION = 2**63 - 1
_LONGEST_LABEL = 100


@dataclass(frozen=True)
class Route:
    """The version or label asked for, if any, and the deadline on the clock of `time.perf_counter`."""

    version: int | None
    label: str | None
    deadline: float

    def remaining(self) -> float:
        """Give the seconds that are left, 0 if none."""
        return max(0.0, self.deadline - time.perf_counter())


def is_prediction() -> bool:
    """Return whether the present request asks a model, and is to be counted as such."""
    return flask.request.method == "POST" and "model" in (flask.request.view_args or ())


def read_route(request: flask.Request, most_seconds: float, started: float) -> Route:
    """Read `?version=` or `?label=`, and the deadline of a request that *started* then; raises MalformedRequest."""
    version, label = request.args.get("version"), request.args.get("label")
    if version is not None and label is not None:
        raise MalformedRequest("expected 'version' or 'label' in the query, got both")
    deadline = started + read_seconds(request, most_seconds)
    return Route(_version(version), _label(label), deadline)


def read_seconds(request: flask.Request, most_seconds: float) -> float:
    """Give the seconds that a request may take: the caller's, but no more than *most_seconds*."""
    text = request.headers.get(TIMEOUT_HEADER)
    if text is None:
        return most_seconds
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:  # written so that NaN fails too
        raise MalformedRequest(f"expected {TIMEOUT_HEADER} in seconds, more than 0, such as 0.5, got {text[:40]!r}")
    return min(seconds, most_seconds)


def _version(text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 20 and int(text) <= _LARGEST_VERSION):
        raise MalformedRequest(f"expected a whole number as 'version' in the query, got {text[:40]!r}")
    return int(text)


def _label(text: str | None) -> str | None:
    if text is not None and not 0 < len(text) <= _LONGEST_LABEL:
        raise MalformedRequest(f"expected 1 to {_LONGEST_LABEL} characters as 'label' in the query, got {len(text)}")
    return text
