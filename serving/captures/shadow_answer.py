"""What a shadow answered to a request that was captured: a line of JSON beside the capture, which has the instance."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from serving.captures.record import Check, check, is_text, is_time, is_whole, parsed, time_from_json, time_to_json

FORMAT = 1
"""The form of the lines, which each has as `shadow`."""


@dataclass(frozen=True, kw_only=True)
class ShadowAnswer:
    """What *version*, a shadow, answered to instance *index* of a request, after that was answered at *time* (UTC)."""

    time: datetime
    request_id: str
    index: int
    model: str
    version: int
    answer: Any

    def to_json(self) -> bytes:
        """Return the line, with its end."""
        document = {**vars(self), "shadow": FORMAT, "time": time_to_json(self.time)}
        return orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE)

    @classmethod
    def from_json(cls, line: bytes) -> "ShadowAnswer":
        """Read what `to_json` returned; raises ValueError that says what was expected."""
        document = parsed(line, "shadow", FORMAT)
        check(document, _MEMBERS)
        rest = {name: document[name] for name in ("request_id", "index", "model", "version", "answer")}
        return cls(time=time_from_json(document["time"]), **rest)


_MEMBERS: dict[str, Check] = {
    "shadow": (is_whole, "1"),
    "time": (is_time, "a time such as 2026-11-29T10:11:12.345678Z"),
    "request_id": (is_text, "a text"),
    "index": (is_whole, "a whole number, at least 0"),
    "model": (is_text, "a text"),
    "version": (is_whole, "a whole number, at least 0"),
    "answer": (lambda value: isinstance(value, dict), "the answer, an object"),
}
