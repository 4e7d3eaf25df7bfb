"""Pins models to versions by number, so that a bad version does not make a model server's start fail."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from serving.registry.checking import Unloadable, check_folder, why_unloadable
from serving.registry.errors import NoSuchModel, NoSuchVersion, NotFitToServe
from serving.registry.versions import scan


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


def pins_to(models_dir: Path, models: Sequence[str], versions: Mapping[str, Sequence[int]]) -> dict[str, Pin]:
    """Pin models to these versions by name. Raises NoSuchModel, NoSuchVersion or NotFitToServe."""
    for model, numbers in versions.items():
        if model not in models:
            raise NoSuchModel(models_dir, model, models)
        found = scan(models_dir / model)
        for number in numbers:
            if number not in found:
                raise NoSuchVersion(model, number, [*found])
            if problem := why_unloadable(found[number]):
                raise NotFitToServe(model, number, problem)
    return {model: Pin(tuple(numbers), ()) for model, numbers in versions.items()}
