"""What a request says besides its instances: which version should answer, and by when."""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import flask

from serving.errors import MalformedRequest, shown

TIMEOUT_HEADER = "X-Request-Timeout"
VERSION_PARAMETERS = ("version", "label")

_NONE: Mapping[str, str] = MappingProxyType({})
_MAX_VERSION = 2**63 - 1
_MAX_LABEL_LENGTH = 100


@dataclass(frozen=True)
class Route:
    """The requested version or label, if any, and the deadline on the clock of `time.perf_counter`."""

    version: int | None
    label: str | None
    deadline: float

    def remaining(self) -> float:
        """Return the seconds left, 0 if there are none."""
        return max(0.0, self.deadline - time.perf_counter())


def is_prediction() -> bool:
    """Return whether the current request is for a prediction, and counts as one."""
    return flask.request.method == "POST" and "model" in (flask.request.view_args or ())


def read_route(request: flask.Request, max_seconds: float, started: float) -> Route:
    """Read `?version=` or `?label=`, and the deadline of a request that *started* then. Raise MalformedRequest."""
    version, label = _parameters(request).get("version"), _parameters(request).get("label")
    if version is not None and label is not None:
        raise MalformedRequest("expected 'version' or 'label' in the query, got both")
    deadline = started + read_seconds(request, max_seconds)
    return Route(_version(version), _label(label), deadline)


def check_parameters(request: flask.Request, known: Sequence[str] = ()) -> None:
    """Raise MalformedRequest if the query has a parameter that is not *known*: a misspelt one would do nothing.

    Not for the protocols of others, whose clients may send parameters that other servers know.
    """
    for name in _parameters(request):
        if name not in known:
            expected = f"only {', '.join(known)}" if known else "no parameters"
            raise MalformedRequest(f"expected {expected} in the query, got {shown(name)}")


def _parameters(request: flask.Request) -> Mapping[str, str]:
    return request.args if request.query_string else _NONE


def read_seconds(request: flask.Request, max_seconds: float) -> float:
    """Return the seconds that a request may take: the caller's limit, but at most *max_seconds*.

    Raise MalformedRequest.
    """
    text = request.headers.get(TIMEOUT_HEADER)
    if text is None:
        return max_seconds
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:  # written so that NaN fails too
        raise MalformedRequest(f"expected {TIMEOUT_HEADER} in seconds, more than 0, such as 0.5, got {text[:40]!r}")
    return min(seconds, max_seconds)


def _version(text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 20 and int(text) <= _MAX_VERSION):
        raise MalformedRequest(f"expected a whole number as 'version' in the query, got {text[:40]!r}")
    return int(text)


def _label(text: str | None) -> str | None:
    if text is not None and not 0 < len(text) <= _MAX_LABEL_LENGTH:
        raise MalformedRequest(f"expected 1 to {_MAX_LABEL_LENGTH} characters as 'label' in the query, got {len(text)}")
    return text
