"""The record of a model in a store: which versions are there, and what their files are."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Any

from serving.model_store.digests import MAX_FILES, Files
from serving.registry.integrity import FileFacts

SCHEMA = 1
MAX_BYTES = 64 * 1024 * 1024
_SHA256 = re.compile(r"[0-9a-f]{64}")
_MAX_PATH = 1000


@dataclass(frozen=True)
class Stored:
    """The files of a version. Until it is *whole* they are being written, and nobody reads them."""

    files: Files
    whole: bool


@dataclass(frozen=True)
class Record:
    """The versions of a model by number, and the *highest* number that was ever used."""

    versions: Mapping[int, Stored] = field(default_factory=dict)
    highest: int = 0

    def with_version(self, number: int, stored: Stored) -> "Record":
        """Return the record with this version."""
        return replace(self, versions={**self.versions, number: stored}, highest=max(self.highest, number))

    def without(self, number: int) -> "Record":
        """Return the record without a version; its number stays used."""
        return replace(self, versions={other: it for other, it in self.versions.items() if other != number})

    def to_json(self) -> bytes:
        """Return the JSON document."""
        versions = {
            str(number): {"whole": stored.whole, "files": {path: vars(it) for path, it in stored.files.items()}}
            for number, stored in sorted(self.versions.items())
        }
        return json.dumps({"schema": SCHEMA, "highest": self.highest, "versions": versions}).encode()

    @staticmethod
    def from_json(document: bytes) -> "Record":
        """Read the JSON document. Raise ValueError, which says what is wrong."""
        try:
            read = json.loads(document)
            if read["schema"] != SCHEMA:
                raise ValueError(f"expected schema {SCHEMA}, got {read['schema']!r:.50}; a newer release wrote it")
            versions = {_number(number): _stored(each) for number, each in read["versions"].items()}
            return Record(versions, max([_whole(read["highest"]), *versions]))
        except (KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ValueError(f"expected a record of versions, got something else ({error!r:.100})") from error


def _stored(read: Any) -> Stored:
    if len(read["files"]) > MAX_FILES:
        raise ValueError(f"expected at most {MAX_FILES} files of a version, got {len(read['files'])}")
    files = {_path(path): FileFacts(_whole(it["bytes"]), _sha256(it["sha256"])) for path, it in read["files"].items()}
    return Stored(files, read["whole"] is True)


def _path(text: str) -> str:
    """Return the path of a file below a version's folder, and of nothing else."""
    path = PurePosixPath(text)
    if text != path.as_posix() or path.is_absolute() or not path.parts or ".." in path.parts or len(text) > _MAX_PATH:
        raise ValueError(f"expected paths below a version's folder, got {text!r:.100}")
    if "\\" in text or not text.isprintable():
        raise ValueError(f"expected printable paths, got {text!r:.100}")
    return text


def _number(text: str) -> int:
    if not re.fullmatch(r"[1-9][0-9]{0,18}", text, re.ASCII) or int(text) >= 2**63:
        raise ValueError(f"expected numbers of versions, got {text!r:.50}")
    return int(text)


def _whole(value: Any) -> int:
    if type(value) is not int or not 0 <= value < 2**63:
        raise ValueError(f"expected a whole number, got {value!r:.50}")
    return value


def _sha256(value: Any) -> str:
    if not isinstance(value, str) or not _SHA256.fullmatch(value):
        raise ValueError(f"expected a SHA-256, got {value!r:.80}")
    return value
