"""Pins models to versions by number, so that a bad version does not make a model server's start fail."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from serving.registry.checking import Unloadable, check_folder


@dataclass(frozen=True)
class Pin:
    """The *versions* of a model to load, and the newer ones that are passed over."""

    versions: tuple[int, ...]
    passed_over: tuple[Unloadable, ...]


def pins(models_dir: Path, models: Iterable[str], *, everything: bool = False) -> dict[str, Pin]:
    """Pin each model that has a bad version among its newest ones; with *everything*, pin all models.

    A model without any good version is not pinned, since there is nothing to pin it to.
    """
    found = {}
    for model in models:
        good, bad = check_folder(models_dir / model)
        if good and (bad or everything):
            found[model] = Pin(tuple(good), tuple(bad))
    return found
