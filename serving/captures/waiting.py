"""What was taken and is not written yet, bounded: whatever finds no place is dropped at once."""

import threading
from dataclasses import dataclass, field
from datetime import datetime

MOST_BYTES = 16 * 1024 * 1024

Key = tuple[str, str]
"""A model, and a kind of its parts."""


@dataclass(slots=True)
class Lines:
    """Lines for one kind of parts of a model, in their order: *number* of them, the first at *time* (UTC).

    They are one buffer, since an object of each request that lives on costs its answer more than the making of it.
    """

    time: datetime
    data: bytearray = field(default_factory=bytearray)
    number: int = 0


class Waiting:
    """Lines by key. It never blocks who puts something in. *wake* is set once it is half full."""

    def __init__(self, wake: threading.Event, most_bytes: int = MOST_BYTES) -> None:
        self._wake = wake
        self._most_bytes = most_bytes
        self._lines: dict[Key, Lines] = {}
        self._bytes = 0
        self._lock = threading.Lock()

    def put(self, key: Key, time: datetime, data: bytes, number: int) -> bool:
        """Return whether there was a place for the *number* lines in *data*, of a request at *time*."""
        with self._lock:
            size = self._bytes + len(data)
            if size > self._most_bytes and self._bytes:  # one alone may be larger than all should be
                return False
            if (lines := self._lines.get(key)) is None:
                lines = self._lines[key] = Lines(time)
            lines.data += data
            lines.number += number
            self._bytes = size
        if size * 2 > self._most_bytes:
            self._wake.set()
        return True

    def take_all(self) -> dict[Key, Lines]:
        """Take out all that waits."""
        with self._lock:
            taken, self._lines, self._bytes = self._lines, {}, 0
        return taken
