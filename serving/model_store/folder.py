"""A models folder as a place to copy from and to."""

import shutil
from collections.abc import Container, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from serving.model_store.digests import Files, files_below
from serving.model_store.errors import UnusableAddress
from serving.model_store.place import Fetch, Pruned
from serving.process.durable_files import sync, sync_entry
from serving.registry.changes import prune, removable
from serving.registry.publishing import next_number, release_as, remember
from serving.registry.quarantining import QUARANTINE
from serving.registry.staging import exclusive, staging
from serving.registry.versions import MODEL_NAME, SAVED_MODEL, entries, model_names, read_versions, scan


@dataclass(frozen=True)
class FolderPlace:
    """The models folder *models_dir*."""

    models_dir: Path
    _known: dict[tuple[str, int], Files] = field(default_factory=dict, repr=False)  # a version never changes

    @staticmethod
    def of(path: str) -> "FolderPlace":
        """Return the models folder at *path*, which is made when a version comes."""
        if Path(path).exists() and not Path(path).is_dir():
            raise UnusableAddress(path, "expected a folder or a URL, got a file")
        return FolderPlace(Path(path))

    @property
    def name(self) -> str:
        """The path."""
        return str(self.models_dir)

    def models(self) -> Sequence[str]:
        """List the models that have a version."""
        names = model_names(self.models_dir) if self.models_dir.is_dir() else []
        return [name for name in names if MODEL_NAME.fullmatch(name)]

    def numbers(self, model: str) -> Sequence[int]:
        """List the versions with a SavedModel, ascending."""
        found = scan(self.models_dir / model).items()
        return [number for number, path in found if number > 0 and (path / SAVED_MODEL).is_file()]

    def set_aside(self, model: str) -> Sequence[int]:
        """List what is in quarantine."""
        return list(scan(self.models_dir / model / QUARANTINE))

    def files(self, model: str, number: int) -> Files:
        """Read what a version is made of."""
        if (model, number) not in self._known:
            self._known[model, number] = files_below(scan(self.models_dir / model)[number])
        return self._known[model, number]

    def fetch(self, model: str, number: int, path: str, target: Path) -> None:
        """Copy a file."""
        shutil.copyfile(scan(self.models_dir / model)[number] / path, target)

    def add(self, model: str, number: int, files: Files, fetch: Fetch) -> None:
        """Add a version by renaming its folder."""
        with staging(self.models_dir) as aside:
            for path in files:
                target = aside / "version" / path
                target.parent.mkdir(parents=True, exist_ok=True)
                fetch(path, target)
            sync(aside / "version")
            with exclusive(self.models_dir):
                release_as(aside / "version", self.models_dir / model, number)
        self._known[model, number] = files

    def remove(self, model: str, number: int) -> None:
        """Remove a version under all its names."""
        folder = self.models_dir / model
        with staging(self.models_dir) as aside, exclusive(self.models_dir):
            remember(folder, next_number(folder) - 1)
            for found, path in entries(folder):
                if found == number:
                    path.rename(aside / path.name)
            sync_entry(folder)
        self._known.pop((model, number), None)

    def prune(self, model: str, keep: int, in_use: Container[int], *, dry_run: bool) -> Pruned:
        """Remove the versions that `registry.removable` lists."""
        versions = read_versions(self.models_dir, model)
        removed = removable(versions, keep, in_use) if dry_run else prune(self.models_dir, model, keep, in_use)
        return Pruned(removed, [version.number for version in versions if version.number not in removed])

    def clear(self, model: str) -> Sequence[int]:
        """Remove all versions, broken ones too."""
        numbers = [version.number for version in read_versions(self.models_dir, model)]
        for number in numbers:
            self.remove(model, number)
        return numbers

    def highest(self, model: str) -> int:
        """Read the record of numbers."""
        return next_number(self.models_dir / model) - 1

    def remember(self, model: str, highest: int) -> None:
        """Record the number."""
        folder = self.models_dir / model
        with exclusive(self.models_dir):
            if folder.is_dir() and next_number(folder) <= highest:
                remember(folder, highest)
