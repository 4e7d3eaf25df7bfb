"""What copying needs of a place where models are kept, whether a folder or a store."""

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from serving.model_store.digests import Files

Fetch = Callable[[str, Path], None]
"""Writes the file of a version with this path to a local file, and has checked its digest."""


@dataclass(frozen=True)
class Pruned:
    """The versions of a model that were removed, and those that were kept."""

    removed: Sequence[int]
    kept: Sequence[int]


class Place(Protocol):
    """Models with their versions. All methods raise StoreError or OSError."""

    @property
    def name(self) -> str:
        """The path or URL, for messages."""
        ...

    def models(self) -> Sequence[str]:
        """List the models."""
        ...

    def numbers(self, model: str) -> Sequence[int]:
        """List the versions that are there whole, ascending."""
        ...

    def set_aside(self, model: str) -> Sequence[int]:
        """List the versions that were taken out of service here, and so are not to be added again."""
        ...

    def files(self, model: str, number: int) -> Files:
        """Return what a version is made of."""
        ...

    def fetch(self, model: str, number: int, path: str, target: Path) -> None:
        """Write one file of a version to *target*."""
        ...

    def add(self, model: str, number: int, files: Files, fetch: Fetch) -> None:
        """Add a version whose files *fetch* gets: whole, or not at all."""
        ...

    def remove(self, model: str, number: int) -> None:
        """Remove a version."""
        ...

    def prune(self, model: str, keep: int, in_use: Container[int], *, dry_run: bool) -> Pruned:
        """Remove old versions, but none that is *in_use* or among the newest *keep*; with *dry_run* only tell."""
        ...

    def clear(self, model: str) -> Sequence[int]:
        """Remove all versions, and return their numbers."""
        ...

    def highest(self, model: str) -> int:
        """Return the highest number that was ever used; 0 if none was."""
        ...

    def remember(self, model: str, highest: int) -> None:
        """Never give a new version this number or a lower one."""
        ...
