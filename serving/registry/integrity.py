"""A version's manifest: sizes and digests of its files, written as it is published and compared before it is loaded.

It tells damage, and files that were changed one by one; who may write the whole folder may also write a new manifest.
Versions of before it was written have none, and are taken as they are.
"""

import hashlib
import json
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NoReturn

from serving.contract import states
from serving.errors import shown
from serving.registry.errors import DamagedVersion
from serving.registry.versions import PROMOTED_FROM

MANIFEST = "assets.extra/manifest.json"
"""The manifest's file in a version's folder."""

SIGNATURE = "assets.extra/model.sig"
"""The file with a version's signature, made after its manifest; `signatures` has what is in it."""

UNLISTED = frozenset({MANIFEST, SIGNATURE, PROMOTED_FROM})
"""Files that no manifest lists: itself, its signature, and the note that a promoted copy gets."""

_SCHEMA = 1
_MOST_MANIFEST_BYTES = 16 * 1024 * 1024
_MOST_FILE_BYTES = 2**63 - 1


@dataclass(frozen=True)
class FileFacts:
    """The size of a file in *bytes*, and its SHA-256 in hexadecimal digits."""

    bytes: int
    sha256: str


def write_manifest(version: Path) -> None:
    """Write the manifest of the version in a folder. Raise OSError."""
    files = {name: asdict(_facts(version, name)) for name in listed_files(version)}
    (version / MANIFEST).parent.mkdir(exist_ok=True)
    (version / MANIFEST).write_text(json.dumps({"schema": _SCHEMA, "files": files}, indent=1), "utf-8")


def read_manifest(version: Path) -> dict[str, FileFacts] | None:
    """Return the facts of each file by its path in the version's folder; None if the version has no manifest.

    Raise DamagedVersion if it is none, or OSError.
    """
    file = version / MANIFEST
    if not os.path.lexists(file):
        return None
    if not file.is_file() or file.stat().st_size > _MOST_MANIFEST_BYTES:  # reading a pipe would never end
        raise DamagedVersion(MANIFEST, f"expected a file of at most {_MOST_MANIFEST_BYTES:,} bytes")
    try:
        return _parsed(json.loads(file.read_bytes()))
    except KeyError as error:
        raise DamagedVersion(MANIFEST, f"there is no {error}") from None
    except (ValueError, TypeError, RecursionError) as error:
        raise DamagedVersion(MANIFEST, str(error)) from None


def check_version(version: Path) -> bool:
    """Compare all files of the version in a folder with its manifest; return whether it has one.

    Raise DamagedVersion for the first file that is another, missing, or not listed; OSError if one can't be read.
    """
    if (manifest := read_manifest(version)) is None:
        return False
    missing = dict(manifest)
    for name in listed_files(version):
        if (expected := missing.pop(name, None)) is None:
            raise DamagedVersion(name, f"expected only files that {MANIFEST} lists; move it elsewhere")
        if (got := _facts(version, name, expected.bytes)) != expected:
            raise DamagedVersion(name, f"expected {_words(expected)}, as {MANIFEST} has it, got {_words(got)}")
    if missing:
        raise DamagedVersion(next(iter(missing)), f"expected this file, which {MANIFEST} lists, got none")
    return True


def listed_files(version: Path) -> Iterator[str]:
    """Yield the paths of a version's files within its folder, but for hidden ones, which nothing reads. Raise OSError.

    A link to a folder counts as a file: what is in it is not the version's own.
    """
    for parent, folders, files in os.walk(version, onerror=_raise):
        folders.sort()
        for name in sorted([*files, *(name for name in folders if os.path.islink(os.path.join(parent, name)))]):
            path = Path(parent, name).relative_to(version).as_posix()
            if not name.startswith(".") and path not in UNLISTED:
                yield path


def _parsed(document: Any) -> dict[str, FileFacts]:
    manifest = states.mapping({"manifest": document}, "manifest")
    if manifest["schema"] != _SCHEMA:
        raise ValueError(f"schema: expected {_SCHEMA}, got {shown(manifest['schema'])}: update this installation")
    files = states.mapping(manifest, "files")
    return {name: _file_facts(states.mapping(files, name)) for name in files}


def _file_facts(state: Mapping[str, Any]) -> FileFacts:
    return FileFacts(states.whole(state, "bytes", 0, _MOST_FILE_BYTES), states.text(state, "sha256"))


def _facts(version: Path, name: str, expected_bytes: int | None = None) -> FileFacts:
    """Return the facts of a file; if it has another size than *expected_bytes*, without reading it."""
    path = version / name
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise DamagedVersion(name, "expected a file")
    if expected_bytes not in (None, found.st_size):
        return FileFacts(found.st_size, "")
    with path.open("rb") as file:
        return FileFacts(found.st_size, hashlib.file_digest(file, "sha256").hexdigest())


def _words(facts: FileFacts) -> str:
    return f"{facts.bytes:,} bytes" + (f" with SHA-256 {facts.sha256:.12}..." if facts.sha256 else "")


def _raise(error: OSError) -> NoReturn:
    raise error
