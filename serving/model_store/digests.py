"""What a version is made of: all of its files, each with its size and SHA-256."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from serving.model_store.errors import IncompleteVersion
from serving.registry.checking import why_incomplete
from serving.registry.errors import DamagedVersion
from serving.registry.integrity import UNLISTED, FileFacts, check_version, listed_files

MAX_FILES = 10_000
"""The maximum number of files of a version; a SavedModel has about ten."""

Files = Mapping[str, FileFacts]
"""The files of a version, by their path in its folder."""


def files_below(version: Path) -> Files:
    """Return what is in the folder of a version.

    Raises DamagedVersion if its manifest says something else, IncompleteVersion if it has none and lacks something, or
    OSError. Unlike the manifest this lists also the manifest itself, and the note in a promoted copy.
    """
    if not check_version(version) and (problem := why_incomplete(version)):
        raise IncompleteVersion(problem)
    names = [*listed_files(version), *(name for name in UNLISTED if (version / name).is_file())]
    if len(names) > MAX_FILES:
        raise DamagedVersion(names[MAX_FILES], f"expected at most {MAX_FILES} files")
    for name in names:
        if not (version / name).is_file():  # a pipe would never end
            raise DamagedVersion(name, "expected a file")
    return {name: facts_of(version / name) for name in sorted(names)}


def facts_of(file: Path) -> FileFacts:
    """Return the size and the SHA-256 of a file. Raises OSError."""
    with file.open("rb") as opened:
        sha256 = hashlib.file_digest(opened, "sha256").hexdigest()
        return FileFacts(opened.tell(), sha256)


def check(file: Path, expected: FileFacts, name: str) -> None:
    """Raise DamagedVersion, which names *name*, if *file* is not what is expected."""
    if (got := facts_of(file)) != expected:
        raise DamagedVersion(name, f"expected {_words(expected)}, got {_words(got)}")


def _words(facts: FileFacts) -> str:
    return f"{facts.bytes:,} bytes with SHA-256 {facts.sha256:.12}..."
