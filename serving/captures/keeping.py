"""What is done to captures now and then, by one process at a time: keep within limits, take up what was left over."""

import contextlib
import fcntl
import logging
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path

from serving.captures.open_part import HALF, completed
from serving.captures.parts import SUFFIX, WRITTEN, PartName
from serving.captures.reader import files_of

_log = logging.getLogger(__name__)

_LOCK = ".keeping"
_LEFT_SECONDS = 60
"""A file that is not whole is left over if nobody has it open, and it is not quite new."""


@dataclass(frozen=True)
class Limits:
    """How old parts may be, and how many bytes those but feedback may take; None for whatever comes."""

    max_age: timedelta | None = None
    max_bytes: int | None = None


@contextlib.contextmanager
def only_one(folder: Path) -> Iterator[bool]:
    """Yield whether no other process does the same in *folder* meanwhile; raises OSError."""
    folder.mkdir(mode=0o750, parents=True, exist_ok=True)
    with (folder / _LOCK).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


def prune(place: str, limits: Limits, now: datetime | None = None) -> int:
    """Remove the parts that are over *limits*, the oldest first, and return their number.

    Raises UnusableCaptures or OSError.
    """
    files = files_of(place)
    try:
        sizes = files.sizes_below(place)
    except FileNotFoundError:
        return 0
    parts = [(name, path) for path in sizes if (name := PartName.of(path))]
    parts.sort(key=lambda part: part[0].time, reverse=True)
    oldest = limits.max_age and (now or datetime.now(UTC)) - limits.max_age
    left, removed = limits.max_bytes, 0
    for name, path in parts:
        if left is not None and name.kind in WRITTEN:
            left -= sizes[path]
        is_over = (left is not None and left < 0 and name.kind in WRITTEN) or (oldest and name.time < oldest)
        if is_over:
            files.remove(path)
            _remove_if_empty(path)
            removed += 1
    return removed


def take_up(folder: Path) -> list[Path]:
    """Complete the parts in *folder* that killed processes have left, and return them; raises OSError."""
    taken = []
    for path in chain.from_iterable(folder.glob(f"*/{kind}/*/.*{SUFFIX}*") for kind in WRITTEN):
        with contextlib.suppress(FileNotFoundError):  # completed meanwhile
            if time.time() - path.stat().st_mtime < _LEFT_SECONDS:
                continue
            if path.name.endswith(HALF):
                path.unlink()
            elif whole := completed(path):
                taken.append(whole)
                _log.warning("%s: completed by the captures that a killed process had written", whole)
    return taken


def _remove_if_empty(path: str) -> None:
    if "://" not in path:
        with contextlib.suppress(OSError):
            os.rmdir(os.path.dirname(path))
