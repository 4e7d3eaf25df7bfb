"""A line of feedback: what turned out to be true of one answer."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from serving.captures.record import Check, check, is_text, is_time, parsed, time_from_json, time_to_json

FORMAT = 1
"""The form of the lines, which each has as `feedback`."""

REQUEST_ID = re.compile(r"[A-Za-z0-9._~:/+=@-]{1,128}")
"""The ids that a gateway takes as X-Request-ID; its own are such."""

MAX_INDEX = 2**31 - 1
MAX_LINE_BYTES = 64 * 1024

_MAX_DEPTH = 4


@dataclass(frozen=True, kw_only=True)
class Feedback:
    """The *truth* of answer *index* of a request to *model*, which became known at *time* (UTC)."""

    time: datetime
    request_id: str
    index: int
    model: str
    truth: Any

    def to_json(self) -> bytes:
        """Return the line, without its end."""
        head = {
            "feedback": FORMAT,
            "time": time_to_json(self.time),
            "request_id": self.request_id,
            "index": self.index,
            "model": self.model,
        }
        return orjson.dumps({**head, "truth": self.truth})

    @classmethod
    def from_json(cls, line: bytes) -> "Feedback":
        """Read what `to_json` returned; raises ValueError that says what was expected."""
        if len(line) > MAX_LINE_BYTES:
            raise ValueError(f"expected a line of at most {MAX_LINE_BYTES:,} bytes, got {len(line):,}")
        document = parsed(line, "feedback", FORMAT)
        check(document, _MEMBERS)
        rest = {name: document[name] for name in ("request_id", "index", "model", "truth")}
        return cls(time=time_from_json(document["time"]), **rest)


def is_request_id(value: object) -> bool:
    """Return whether *value* may be the id of a request."""
    return isinstance(value, str) and REQUEST_ID.fullmatch(value) is not None


def is_index(value: object) -> bool:
    """Return whether *value* may be the number of an answer in its request."""
    return type(value) is int and 0 <= value <= MAX_INDEX


def is_truth(value: Any, depth: int = _MAX_DEPTH) -> bool:
    """Return whether *value* has one of the forms of a truth; whether it fits a model is not known here."""
    if isinstance(value, Mapping):
        return bool(value) and depth > 0 and all(is_truth(each, depth - 1) for each in value.values())
    if isinstance(value, list):
        return all(isinstance(each, str) for each in value)
    return isinstance(value, str) or is_number(value)


def is_number(value: object) -> bool:
    """Return whether *value* is a finite number, which true and false are not."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


_MEMBERS: dict[str, Check] = {
    "feedback": (lambda value: True, "1"),
    "time": (is_time, "a time such as 2026-11-29T10:11:12.345678Z"),
    "request_id": (is_request_id, "a request's id, such as it has in X-Request-ID"),
    "index": (is_index, "a whole number, at least 0"),
    "model": (is_text, "a text"),
    "truth": (is_truth, "a text, a finite number, a list of texts, or an object of these"),
}
