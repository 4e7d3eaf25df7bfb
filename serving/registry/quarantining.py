"""Writing: moves a version where no model server finds it, without deleting it."""

import os
from pathlib import Path

from serving.process.durable_files import sync_entry
from serving.registry.checking import Unloadable, check_folder
from serving.registry.errors import NoSuchVersion
from serving.registry.publishing import next_number, remember
from serving.registry.staging import exclusive
from serving.registry.versions import entries, read_versions

QUARANTINE = ".quarantine"
"""The folder in a model's folder for quarantined versions. TensorFlow Serving ignores such names."""


def quarantine(models_dir: Path, model: str, number: int) -> Path:
    """Quarantine a version, and return its new path. Its number is not used again. Raises RegistryError."""
    known = [version.number for version in read_versions(models_dir, model)]
    if number not in known:
        raise NoSuchVersion(model, number, known)
    with exclusive(models_dir):
        return _move(models_dir / model, number)


def quarantine_unloadable(models_dir: Path, model: str) -> list[tuple[Unloadable, Path]]:
    """Quarantine the versions that TensorFlow Serving would try to load but can't; return them with their new paths."""
    with exclusive(models_dir):  # of several servers that start at once, only one does it
        _, bad = check_folder(models_dir / model)
        return [(version, _move(models_dir / model, version.number)) for version in bad]


def _move(folder: Path, number: int) -> Path:
    remember(folder, next_number(folder) - 1)  # a running model server would never load the number again
    aside = folder / QUARANTINE
    aside.mkdir(exist_ok=True)
    target = aside / str(number)
    for found, path in entries(folder):  # `7` and `007` are the same number: either left would be loaded
        if found == number:
            target = _free(aside, path.name)
            path.rename(target)
    for changed in (aside, folder):
        sync_entry(changed)
    return target


def _free(aside: Path, name: str) -> Path:
    target = aside / name
    copy = 1
    while os.path.lexists(target):
        copy += 1
        target = aside / f"{name}.{copy}"
    return target
