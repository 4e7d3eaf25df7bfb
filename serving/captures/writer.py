"""Writes captures beside the requests: one thread of a process, which no request ever waits for."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from serving.captures.delivery import Delivery
from serving.captures.keeping import Limits, only_one, prune, take_up
from serving.captures.open_part import OpenPart
from serving.captures.parts import CAPTURES, SHADOWS, PartName
from serving.captures.shadow_answer import ShadowAnswer
from serving.captures.taken import LineMaker, Taken
from serving.captures.waiting import MOST_BYTES, Key, Lines, Waiting

_log = logging.getLogger(__name__)

REASONS = (QUEUE, DISK, STORE, VALUE) = ("queue", "disk", "store", "value")
"""Why captures are dropped: no place to wait, a disk or a store that does not take them, a value that JSON has not."""

_LOOK_SECONDS = 0.5
_KEEPING_SECONDS = 600.0
_WARN_SECONDS = 10.0
_END_SECONDS = 10.0
_MOST_PART_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True)
class WriterSettings:
    """Captures go to *place*, a folder or a URL, in parts of at most *part_seconds*; they are kept within *limits*.

    *hash_key* is the key for fields that are to be hashed, which are left out without it.
    """

    place: str
    part_seconds: float = 60.0
    limits: Limits = field(default_factory=Limits)
    hash_key: bytes | None = None
    most_bytes: int = MOST_BYTES


class Writer:
    """Takes requests and writes them. It starts a thread, so make it after any fork; `close` ends it.

    *on_written* is called with a model and a number of captures, *on_dropped* with a model, one of REASONS and a number
    of lines.
    Raises UnusableCaptures or OSError if *settings* name no place that captures can be written to.
    """

    def __init__(
        self,
        settings: WriterSettings,
        on_written: Callable[[str, int], None] = lambda model, count: None,
        on_dropped: Callable[[str, str, int], None] = lambda model, reason, count: None,
    ) -> None:
        self._settings = settings
        self._on_written = on_written
        self._on_dropped = on_dropped
        self._delivery = Delivery(settings.place)
        self._lines = LineMaker(settings.hash_key)
        self._wake = threading.Event()
        self._waiting = Waiting(self._wake, settings.most_bytes)
        self._parts: dict[Key, OpenPart] = {}
        self._ending = False
        self._keep_at = self._warn_at = time.monotonic()
        self._thread = threading.Thread(target=self._run, name="captures", daemon=True)
        self._thread.start()

    def take(self, taken: Taken) -> None:
        """Take a request, or drop it if too many wait. Never blocks.

        Its lines are made at once, in microseconds. To keep its objects until the thread makes them costs each answer
        ten times as much: Python's garbage collector looks at whatever lives on.
        """
        try:
            lines = self._lines.lines(taken)
        except Exception as error:  # whatever it is, it must not reach the request
            self._warn("captures of %s: no line can be made (%s)", taken.model, type(error).__name__)
            self._on_dropped(taken.model, VALUE, len(taken.instances))
            return
        if lines and not self._waiting.put((taken.model, CAPTURES), taken.time, b"".join(lines), len(lines)):
            self._on_dropped(taken.model, QUEUE, len(lines))

    def take_shadow(self, answers: Sequence[ShadowAnswer]) -> None:
        """Take what a shadow answered to one request, or drop it if too much waits. Never blocks."""
        model, time = answers[0].model, answers[0].time
        lines = b"".join(answer.to_json() for answer in answers)
        if not self._waiting.put((model, SHADOWS), time, lines, len(answers)):
            self._on_dropped(model, QUEUE, len(answers))

    def close(self) -> None:
        """Write what waits, and end the thread, within seconds: what a store does not take until then is kept here."""
        self._ending = True
        self._wake.set()
        self._thread.join(_END_SECONDS)

    def _run(self) -> None:
        while not self._ending:
            self._wake.wait(_LOOK_SECONDS)
            self._wake.clear()
            self._guarded(self._round)
        self._guarded(self._end)

    def _guarded(self, step: Callable[[], None]) -> None:
        try:
            step()
        except Exception:  # the thread must not end as long as there are requests
            _log.exception("captures: unexpected error")

    def _round(self) -> None:
        self._write_waiting()
        for key, part in list(self._parts.items()):
            if time.monotonic() - part.begun >= self._settings.part_seconds or part.size >= _MOST_PART_BYTES:
                self._close(key, part)
        self._delivery.deliver()
        if time.monotonic() >= self._keep_at:
            self._keep_at = time.monotonic() + _KEEPING_SECONDS
            self._keep()

    def _end(self) -> None:
        self._write_waiting()
        for key, part in list(self._parts.items()):
            self._close(key, part)
        self._delivery.deliver(at_once=True)

    def _write_waiting(self) -> None:
        for key, lines in self._waiting.take_all().items():
            self._write(key, lines)

    def _write(self, key: Key, lines: Lines) -> None:
        model, kind = key
        if self._delivery.is_full:
            self._on_dropped(model, STORE, lines.number)
            return
        try:
            if key not in self._parts:
                name = PartName.new(model, kind, lines.time)
                for reason in REASONS:  # they exist from the start, else a rate would miss the first
                    self._on_dropped(model, reason, 0)
                self._parts[key] = OpenPart(self._delivery.folder, name)
            self._parts[key].add(lines.data, lines.number)
        except OSError as error:
            self._warn("%s: %d captures of %s dropped: %s", self._delivery.folder, lines.number, model, error)
            self._on_dropped(model, DISK, lines.number)
            if part := self._parts.pop(key, None):
                part.leave()
            return
        if kind == CAPTURES:
            self._on_written(model, lines.number)

    def _close(self, key: Key, part: OpenPart) -> None:
        model, _ = key
        try:
            part.close()
        except FileNotFoundError as error:  # somebody has removed it
            _log.warning("%s: %d captures of %s are lost: %s", part.path, part.lines, model, error)
            self._on_dropped(model, DISK, part.lines)
            part.leave()
        except OSError as error:
            self._warn("%s: can't be completed yet: %s", part.path, error)
            part.leave()
        else:
            self._delivery.add(part.path, part.size)
        del self._parts[key]

    def _warn(self, text: str, *facts: object) -> None:
        """Write a line to the log, unless there was one just now: a disk that is full is so twice a second."""
        if time.monotonic() >= self._warn_at:
            self._warn_at = time.monotonic() + _WARN_SECONDS
            _log.warning(text, *facts)

    def _keep(self) -> None:
        try:
            with only_one(self._delivery.folder) as is_only:
                if is_only:
                    for part in take_up(self._delivery.folder):
                        self._delivery.add(part, part.stat().st_size)
                    self._delivery.add_left_over()
                    prune(self._settings.place, self._settings.limits)
        except Exception as error:  # each store has errors of its own
            _log.warning("%s: captures can't be kept within their limits: %.300s", self._settings.place, error)
