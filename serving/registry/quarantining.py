"""Writing: taking a version away from the model server's sight, without deleting it."""

import os
from pathlib import Path

from serving.registry.checking import Unloadable, check_folder
from serving.registry.errors import NoSuchVersion
from serving.registry.publishing import next_number, remember
from serving.registry.staging import exclusive, sync_entry
from serving.registry.versions import entries, read_versions

QUARANTINE = ".quarantine"
"""The folder in a model's folder that holds what was taken away: TensorFlow Serving looks at numbers only."""


def quarantine(models_dir: Path, model: str, number: int) -> Path:
    """Move a version out of sight; give where it is now. Raises RegistryError. Its number is not used again."""
    known = [version.number for version in read_versions(models_dir, model)]
    if number not in known:
        raise NoSuchVersion(model, number, known)
    with exclusive(models_dir):
        return _move(models_dir / model, number)


def quarantine_unloadable(models_dir: Path, model: str) -> list[tuple[Unloadable, Path]]:
    """Move the versions out of sight that TensorFlow Serving would try to load and can't; give where they are now."""
    with exclusive(models_dir):  # of several servers that start at the same time one does it
        _, bad = check_folder(models_dir / model)
        return [(version, _move(models_dir / model, version.number)) for version in bad]


def _move(folder: Path, number: int) -> Path:
    remember(folder, next_number(folder) - 1)  # a model server that runs would never load the number again
    aside = folder / QUARANTINE
    aside.mkdir(exist_ok=True)
    target = aside / str(number)
    for found, path in entries(folder):  # `7` and `007` are one number, and the other would be loaded in its place
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
