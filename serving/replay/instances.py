"""The captured instances, with the truth of those of which it is known, as two versions can answer them again."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from serving.captures import CAPTURES, FEEDBACK, Capture, parts_in, read_part
from serving.contract import Contract
from serving.replay.errors import ReplayError
from serving.truth.feedback import Feedback

HASHED = "hmac-sha256:"
"""What a hash begins with that stands for a value in captures."""

_Key = tuple[str, int]
Truths = Mapping[_Key, Any]


@dataclass(frozen=True)
class Window:
    """Which captures of *model* are read: those in *place*, from *since* until before *until*."""

    place: str
    model: str
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class Asked:
    """A capture, its place (*file* and *line*), and its *truth*, or None if that is not known."""

    capture: Capture
    file: str
    line: int
    truth: Any

    @property
    def where(self) -> str:
        """Return the place as text."""
        return f"{self.file}: line {self.line}"


def read_truths(window: Window) -> dict[_Key, Any]:
    """Read what is known from *since* on, by request id and index; of several the latest counts.

    Raise CaptureError or OSError.
    """
    latest: dict[_Key, tuple[datetime, Any]] = {}
    for path, _ in parts_in(window.place, window.model, FEEDBACK, window.since, None):
        for told in read_part(window.place, path, Feedback.from_json):
            key = told.request_id, told.index
            if key not in latest or latest[key][0] <= told.time:
                latest[key] = told.time, told.truth
    return {key: truth for key, (_, truth) in latest.items()}


def read_asked(window: Window, contracts: Sequence[Contract], truths: Truths) -> Iterator[tuple[float, Asked]]:
    """Yield captures of *window*, each with the share of the parts that is done.

    Raise ReplayError for one that lacks what its sender sent, CaptureError or OSError.
    """
    parts = parts_in(window.place, window.model, CAPTURES, window.since, window.until)
    for number, (path, _) in enumerate(parts):
        for line, capture in enumerate(read_part(window.place, path, Capture.from_json), 1):
            if _is_within(capture.time, window):
                asked = Asked(capture, path, line, truths.get((capture.request_id, capture.index)))
                if problem := _problem(asked, contracts):
                    if capture.error is None:
                        raise ReplayError(f"{asked.where}: {problem}")
                    continue  # what was sent may have lacked the field, too
                yield number / len(parts), asked


def _is_within(time: datetime, window: Window) -> bool:
    return (window.since is None or time >= window.since) and (window.until is None or time < window.until)


def _problem(asked: Asked, contracts: Sequence[Contract]) -> str:
    """Return which value was replaced by its hash, or left out; empty if none was."""
    instance = asked.capture.instance
    for contract in contracts:
        for name, handling in contract.handlings.items() if isinstance(instance, Mapping) else ():
            value = instance.get(name)
            if isinstance(value, str) and value.startswith(HASHED):
                return _private(name, "only the hash of its value was captured")
            if handling != "keep" and name not in instance:
                return _private(name, f"its value was not captured: the contract says {handling!r}")
    return ""


def _private(field: str, why: str) -> str:
    return (
        f"field {field!r} can't be answered again, since {why}; let the task say "
        'capture = "keep" for it, and replay what is captured by a version trained so, with --since'
    )
