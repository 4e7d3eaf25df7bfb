"""Writing: changes which version is live, by publishing one again under the next number, and removes old ones."""

import dataclasses
import json
import os
import shutil
from collections.abc import Container, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from serving.process.durable_files import sync, sync_entry
from serving.registry.errors import NoSuchVersion, NotFitToServe, NothingEarlier
from serving.registry.publishing import release
from serving.registry.staging import exclusive, staging
from serving.registry.versions import (
    PROMOTED_FROM,
    SERVED,
    PromotedFrom,
    Version,
    entries,
    is_sample,
    newest_fit,
    read_versions,
    replaced_version,
)


@dataclass(frozen=True)
class Promotion:
    """The result: *version* is a copy of version *copied*, and takes over from *replaced*."""

    model: str
    copied: int
    version: int
    replaced: int


def promote(models_dir: Path, model: str, number: int) -> Promotion:
    """Make version *number* the live one. Raises RegistryError.

    It may be the newest: this makes TensorFlow Serving retry a version that it failed to load.
    """
    with staging(models_dir) as aside, exclusive(models_dir):
        versions = read_versions(models_dir, model)
        wanted = next((version for version in versions if version.number == number), None)
        if wanted is None:
            raise NoSuchVersion(model, number, [version.number for version in versions])
        if reason := _unfit(wanted, versions):
            raise NotFitToServe(model, number, reason)
        live = _live(versions)
        return _bring_back(aside, wanted, live, live.number, "promote")


def rollback(models_dir: Path, model: str) -> Promotion:
    """Make the version live that was live before. Raises RegistryError.

    A second rollback goes back by one more version; versions that must not be served are skipped.
    """
    with staging(models_dir) as aside, exclusive(models_dir):
        replaced_version(models_dir, model)  # raises if this release can't tell which one is live
        versions = read_versions(models_dir, model)
        passed_over = []
        live = _live(versions)
        earlier = _before(live, versions)
        while earlier and (reason := _unfit(earlier, versions)):
            passed_over.append(f"version {earlier.number}: {reason}")
            earlier = _before(earlier, versions)
        if earlier is None:
            raise NothingEarlier(model, live.number, passed_over)
        before = _before(earlier, versions)
        return _bring_back(aside, earlier, live, before.number if before else None, "rollback")


def removable(versions: Sequence[Version], keep: int, in_use: Container[int] = ()) -> list[int]:
    """List the removable numbers: all but those *in_use*, the newest *keep* (at least 2) and as many unbroken ones."""
    keep = max(keep, SERVED)
    # Both: if the newest can't be loaded, TensorFlow Serving keeps the older ones that it has.
    kept = {*versions[-keep:], *[version for version in versions if not version.problem][-keep:]}
    return [version.number for version in versions if version not in kept and version.number not in in_use]


def prune(models_dir: Path, model: str, keep: int, in_use: Container[int] = ()) -> list[int]:
    """Remove the `removable` versions, and return their numbers. Raises RegistryError."""
    folder = models_dir / model
    with staging(models_dir) as aside, exclusive(models_dir):
        removed = removable(read_versions(models_dir, model), keep, in_use)
        for number, path in entries(folder):
            if number in removed:
                path.rename(aside / path.name)
        sync_entry(folder)
    return removed  # deleted by now, with everything in staging


def _unfit(version: Version, versions: Sequence[Version]) -> str:
    """Return why *version* must not be served; empty if it may be."""
    if version.contract is None or version.problem:
        return version.problem
    live = _live(versions).contract
    if is_sample(version.contract) and not (live and is_sample(live)):
        return "it was trained on the built-in sample, and the live version on real data"
    return ""


def _live(versions: Sequence[Version]) -> Version:
    """Return the newest version that can be served, or the newest if none can."""
    return newest_fit(versions) or versions[-1]


def _before(version: Version, versions: Sequence[Version]) -> Version | None:
    """Return what was live before *version*; for a copy, what was live before its original."""
    highest = version.promoted_from.back_to if version.promoted_from else version.number - 1
    earlier = [other for other in versions if highest is not None and other.number <= highest]
    return earlier[-1] if earlier else None


def _bring_back(aside: Path, wanted: Version, live: Version, back_to: int | None, command: str) -> Promotion:
    staged = aside / "version"
    # The note belongs to the copy: written through a shared file, it would change the original.
    skipped = shutil.ignore_patterns(Path(PROMOTED_FROM).name)
    shutil.copytree(wanted.path, staged, copy_function=_link_or_copy, ignore=skipped)
    note = PromotedFrom(wanted.number, back_to, command, datetime.now(UTC).isoformat(timespec="seconds"))
    (staged / PROMOTED_FROM).write_text(json.dumps(dataclasses.asdict(note)), "utf-8")
    sync(staged)
    number = int(release(staged, wanted.path.parent).name)
    return Promotion(wanted.path.parent.name, wanted.number, number, live.number)


def _link_or_copy(source: str, target: str) -> None:
    """Link the file: published files never change, and a rollback of gigabytes should take neither time nor space."""
    try:
        os.link(source, target)
    except OSError:  # a file system without hard links, or another user's file
        shutil.copy2(source, target)
