"""A capture: one instance of a request with what was answered, and its form as a line of JSON."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from serving.errors import shown

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z", re.ASCII)

FORMAT = 1
"""The form of the lines, which each has as `capture`."""


@dataclass(frozen=True, kw_only=True)
class Failure:
    """How a request failed: the problem's *code*, and its *detail* as far as it may be kept."""

    code: str
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class Capture:
    """Instance *index* of a request that was answered, or failed, at *time* (UTC).

    *answer* is what `/predict` gives for it, and None if the request failed: then there is an *error*, and *version*
    may be None. *share* of all such requests were taken, so that each stands for 1 / share of them.
    """

    time: datetime
    request_id: str
    index: int
    model: str
    version: int | None
    instance: Any
    answer: Any = None
    status: int = 200
    error: Failure | None = None
    share: float = 1.0

    def to_json(self) -> str:
        """Return the line, without its end."""
        head = {
            "capture": FORMAT,
            "time": time_to_json(self.time),
            "request_id": self.request_id,
            "index": self.index,
            "model": self.model,
            "version": self.version,
            "share": self.share,
            "instance": self.instance,
        }
        if self.error is None:
            tail: dict[str, Any] = {"answer": self.answer}
        else:
            tail = {"status": self.status, "error": {"code": self.error.code, "detail": self.error.detail}}
        return json.dumps(head | tail, ensure_ascii=False, allow_nan=False, separators=(",", ":"))

    @classmethod
    def from_json(cls, line: str | bytes) -> "Capture":
        """Read what `to_json` returned; raises ValueError that says what was expected."""
        document = parsed(line, "capture", FORMAT)
        failed = "error" in document
        expected = _HEAD | (_FAILED if failed else _ANSWERED)
        check(document, expected)
        return cls(
            time=time_from_json(document["time"]),
            request_id=document["request_id"],
            index=document["index"],
            model=document["model"],
            version=document["version"],
            instance=document["instance"],
            answer=document.get("answer"),
            status=document.get("status", 200),
            error=_failure(document["error"]) if failed else None,
            share=float(document["share"]),
        )


Check = tuple[Callable[[Any], bool], str]
"""Whether a value is right, and what was expected."""


def parsed(line: str | bytes, kind: str, format: int) -> dict[str, Any]:
    """Return the object in *line* if its member *kind* is *format*; raises ValueError that says what was expected."""
    try:
        document = json.loads(line, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise ValueError("expected an object of JSON") from None
    if not isinstance(document, dict) or kind not in document:
        raise ValueError(f"expected an object with {kind!r}: {format}, as each line has")
    if document[kind] != format:
        raise ValueError(f"expected {kind!r}: {format}, got {shown(document[kind])}: a later release wrote it")
    return document


def check(document: Mapping[str, Any], expected: Mapping[str, Check]) -> None:
    """Raise ValueError unless *document* has the members of *expected*, each as its check wants it, and no others."""
    for name, (is_right, what) in expected.items():
        if name not in document:
            raise ValueError(f"expected a member {name!r}: {what}")
        if not is_right(document[name]):
            raise ValueError(f"{name}: expected {what}, got {shown(document[name])}")
    if other := sorted(document.keys() - expected.keys()):
        raise ValueError(f"expected no member {shown(other[0])}")


def time_to_json(time: datetime) -> str:
    """Write a time in UTC: 2026-11-29T10:11:12.345678Z."""
    return f"{time.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"


def time_from_json(text: str) -> datetime:
    """Read what `time_to_json` wrote; raises ValueError."""
    if not _TIME.fullmatch(text):
        raise ValueError(f"expected a time such as 2026-11-29T10:11:12.345678Z, got {shown(text)}")
    return datetime.fromisoformat(text)  # strptime would take half of the time of reading a part


def is_time(value: Any) -> bool:
    """Return whether `time_from_json` reads *value*."""
    try:
        return isinstance(value, str) and bool(time_from_json(value))
    except ValueError:
        return False


def is_text(value: Any) -> bool:
    """Return whether *value* is a text with something in it."""
    return isinstance(value, str) and value != ""


def is_whole(value: Any) -> bool:
    """Return whether *value* is a whole number, at least 0."""
    return type(value) is int and value >= 0


def _failure(error: Mapping[str, Any]) -> Failure:
    check(error, _ERROR)
    return Failure(code=error["code"], detail=error["detail"])


def _no_constant(name: str) -> None:
    raise ValueError(name)


_HEAD: dict[str, Check] = {
    "capture": (is_whole, "1"),
    "time": (is_time, "a time such as 2026-11-29T10:11:12.345678Z"),
    "request_id": (is_text, "a text"),
    "index": (is_whole, "a whole number, at least 0"),
    "model": (is_text, "a text"),
    "version": (lambda value: value is None or is_whole(value), "a whole number, or null"),
    "share": (lambda value: type(value) in (int, float) and 0 < value <= 1, "a number above 0, at most 1"),
    "instance": (lambda value: True, "the instance"),
}
_ANSWERED: dict[str, Check] = {"answer": (lambda value: True, "the answer")}
_FAILED: dict[str, Check] = {
    "status": (lambda value: is_whole(value) and 400 <= value < 600, "the status of a failed request"),
    "error": (lambda value: isinstance(value, dict), "an object with 'code' and 'detail'"),
}
_ERROR: dict[str, Check] = {
    "code": (is_text, "a text"),
    "detail": (lambda value: isinstance(value, str), "a text"),
}
