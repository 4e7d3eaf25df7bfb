"""A model's folder: which versions are in it, and which of them a policy wants."""

import logging
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from serving.registry.versions import entries

logger = logging.getLogger(__name__)


class Policy(Protocol):
    """Picks versions."""

    def choose(self, found: Collection[int]) -> frozenset[int] | None:
        """Pick from the numbers that are there; None means that all should stay as it is."""
        ...


@dataclass(frozen=True)
class VersionPolicy:
    """Which of the versions found are to be served: the latest few, all, or certain ones."""

    latest: int = 1
    all: bool = False
    specific: frozenset[int] | None = None

    def choose(self, found: Collection[int]) -> frozenset[int] | None:
        """Pick from the numbers that are there; None means that all should stay as it is."""
        if self.specific is not None:
            return self.specific & frozenset(found) if self.specific else None
        return frozenset(found if self.all else sorted(found)[-self.latest :])


def scan(base_path: Path) -> dict[int, Path]:
    """Find the versions under `base_path`, by number. Raises OSError if it can't be listed.

    Any child whose whole name is an integer counts, file or folder, as in TensorFlow Serving; of two spellings of one
    number (`7`, `007`) the last in alphabetical order does.
    """
    versions: dict[int, Path] = {}
    for number, child in entries(base_path):
        if number in versions:
            logger.warning("version %d is in %s and in %s: taking the latter", number, versions[number], child)
        versions[number] = child
    if not versions:
        logger.warning("no versions under %s: did you forget to name the leaf folder as a number?", base_path)
    return versions
