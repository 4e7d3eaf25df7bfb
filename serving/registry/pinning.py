"""Which versions a model server is to load by their numbers, so that a bad one beside them does not end its start."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from serving.registry.checking import Unloadable, check_folder


@dataclass(frozen=True)
class Pin:
    """The *versions* of a model that are loaded, and what newer ones are passed over."""

    versions: tuple[int, ...]
    passed_over: tuple[Unloadable, ...]


def pins(models_dir: Path, models: Iterable[str], *, everything: bool = False) -> dict[str, Pin]:
    """Pin the models one of whose newest versions can't be loaded; with *everything* the others too.

    A model none of whose versions can be loaded is not pinned, since there is nothing to pin it to.
    """
    found = {}
    for model in models:
        good, bad = check_folder(models_dir / model)
        if good and (bad or everything):
            found[model] = Pin(tuple(good), tuple(bad))
    return found
