"""Moments by name, in memory that all workers of a gateway share; a lock of the kernel's lets one at a time use them.

The memory has no file, so a full disk is no matter. The kernel frees the lock of a worker that is killed. One that is
stopped keeps it: the others wait for it a moment, then go on without, which can lose an update.
"""

import fcntl
import mmap
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import blake2b
from tempfile import TemporaryFile

_SLOTS = 8192
_PATIENCE_SECONDS = 0.005
_PAUSE_SECONDS = 0.0001


class SharedTimes:
    """Moments on the clock of `time.monotonic`, which all processes share. Make it before the workers are forked.

    One that has passed may be forgotten, so the table never fills with names that are not used any more.
    """

    def __init__(self) -> None:
        memory = memoryview(mmap.mmap(-1, 16 * _SLOTS))
        self._names, self._moments = memory[: 8 * _SLOTS].cast("Q"), memory[8 * _SLOTS :].cast("d")
        self._threads = threading.Lock()  # of this process: the kernel's lock is for processes
        self._file = TemporaryFile()  # noqa: SIM115 - empty; kept open, since closing it would free the lock
        weakref.finalize(self, self._file.close)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the lock."""
        with self._threads:
            deadline = time.monotonic() + _PATIENCE_SECONDS
            while not (held := self._try_lock()) and time.monotonic() < deadline:
                time.sleep(_PAUSE_SECONDS)
            try:
                yield
            finally:
                if held:
                    fcntl.lockf(self._file, fcntl.LOCK_UN)

    def get(self, name: str, now: float) -> float:
        """Return the moment of *name*, or *now* if that is later or there is none. Hold the lock."""
        return max(now, self._moments[self._slot(name, now)])

    def set(self, name: str, moment: float, now: float) -> None:
        """Set the moment of *name*. Hold the lock."""
        slot = self._slot(name, now)
        self._moments[slot] = moment
        self._names[slot] = _number(name)

    def _try_lock(self) -> bool:
        with suppress(BlockingIOError, PermissionError):
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        return False

    def _slot(self, name: str, now: float) -> int:
        """Return the slot that *name* has, or else the first that it may take."""
        number, free = _number(name), None
        for slot in ((number + step) % _SLOTS for step in range(_SLOTS)):
            if self._names[slot] == number:
                return slot
            if free is None and self._moments[slot] <= now:
                free = slot
            if not self._names[slot]:
                break
        return number % _SLOTS if free is None else free  # without a free one, two names share a slot


def _number(name: str) -> int:
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "little") or 1
