"""A model's folder: its versions, and the policies that choose among them."""

import contextlib
import logging
import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from serving.registry.versions import entries

Stamp = frozenset[tuple[str, int, int, int]]
"""What changes when a file in a folder does."""

_MAX_STAMPED = 1000

logger = logging.getLogger(__name__)


class Policy(Protocol):
    """Chooses versions."""

    def choose(self, found: Collection[int]) -> frozenset[int] | None:
        """Return the numbers to serve of those found; None means that nothing should change."""
        ...


@dataclass(frozen=True)
class VersionPolicy:
    """Chooses the latest versions, all, or specific ones."""

    latest: int = 1
    all: bool = False
    specific: frozenset[int] | None = None

    def choose(self, found: Collection[int]) -> frozenset[int] | None:
        """Return the numbers to serve of those found; None means that nothing should change."""
        if self.specific is not None:
            return self.specific & frozenset(found) if self.specific else None
        return frozenset(found if self.all else sorted(found)[-self.latest :])


def scan(base_path: Path) -> dict[int, Path]:
    """Return the versions under `base_path` by number. Raises OSError if it can't be listed.

    As in TensorFlow Serving, every file and folder whose whole name is an integer is a version; of two spellings of a
    number (`7`, `007`) the last in alphabetical order counts.
    """
    versions: dict[int, Path] = {}
    for number, child in entries(base_path):
        if number in versions:
            logger.warning("version %d is in %s and in %s: taking the latter", number, versions[number], child)
        versions[number] = child
    if not versions:
        logger.warning("no versions under %s: did you forget to name the leaf folder as a number?", base_path)
    return versions


def stamp(folder: Path) -> Stamp:
    """Return the stamp of a folder and all below it, or of as much as can be read."""
    found: list[tuple[str, int, int, int]] = []
    for parent, _, files in os.walk(folder):
        for path in (parent, *(os.path.join(parent, file) for file in files)):
            if len(found) == _MAX_STAMPED:
                return frozenset(found)
            with contextlib.suppress(OSError):
                stat = os.stat(path)
                found.append((path, stat.st_ino, stat.st_mtime_ns, stat.st_size))
    return frozenset(found)
