"""INPUT arguments -> the sources that are read one after another, and the fingerprints of all files."""

import hashlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from serving.batch.errors import BadInput
from serving.batch.extras import extra
from serving.batch.files import files_of

FORMATS = ("csv", "tsv", "jsonl", "parquet", "zip", "tar", "folder")
STDIN = "-"
PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".gif")

_SUFFIXES = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".zip": "zip",
    ".tar": "tar",
    ".tgz": "tar",
}
_COMPRESSIONS = {".gz": "gz", ".tgz": "gz", ".zst": "zst"}


@dataclass(frozen=True)
class Source:
    """A stretch of rows that is read in one go: a file, or one row group of a Parquet file.

    *name* is the file as its rows are called, *path* where it is read; *before* is the number of rows that come before
    in the same file, *size* the bytes that it takes of it.
    """

    number: int
    name: str
    path: str
    format: str
    compression: str
    size: int
    row_group: int = 0
    before: int = 0


@dataclass(frozen=True)
class Inputs:
    """All that is to be read, in order, and the fingerprint of each file by its name."""

    sources: tuple[Source, ...]
    fingerprints: dict[str, str]

    @property
    def size(self) -> int:
        """The bytes of all sources."""
        return sum(source.size for source in self.sources)


def find_inputs(
    arguments: Sequence[str], format: str | None, stdin: BinaryIO, outputs: frozenset[str] = frozenset()
) -> Inputs:
    """Look up what *arguments* name: files, folders, patterns, or `-` for *stdin*; raises BadInput.

    Of *outputs* none may be named, and patterns pass over them: the first run would not find what the second does.
    """
    sources: list[Source] = []
    fingerprints: dict[str, str] = {}
    for name, path in _paths(arguments, stdin, outputs):
        kind, compression = _kind(name, path, format)
        if name in fingerprints:
            raise BadInput(f"{name} stands there twice")
        sources += _sources(len(sources), name, path, kind, compression)
        fingerprints[name] = _fingerprint(path, kind)
    return Inputs(tuple(sources), fingerprints)


def pictures_in(folder: str) -> list[str]:
    """List the pictures in a folder, by their suffixes, in the order of their paths."""
    return [path for path in files_of(folder).below(folder) if is_picture(path)]


def is_picture(name: str) -> bool:
    """Tell by the name. What macOS puts beside each file is none."""
    return name.lower().endswith(PICTURES) and not os.path.basename(name).startswith("._")


def _paths(arguments: Sequence[str], stdin: BinaryIO, outputs: frozenset[str]) -> Iterator[tuple[str, str]]:
    for argument in arguments:
        if argument == STDIN:
            yield "stdin", _spooled(stdin, "standard input")
            continue
        if files_of(argument).is_pipe(argument):
            with files_of(argument).open(argument) as pipe:
                yield argument, _spooled(pipe, argument)
            continue
        if argument in outputs:
            raise BadInput(f"{argument} is the output and can't be an input, too")
        found = [path for path in files_of(argument).glob(argument) if path not in outputs]
        if not found:
            raise BadInput(f"there is no {argument}")
        yield from ((path, path) for path in found)


def _spooled(pipe: BinaryIO, name: str) -> str:
    """Copy what comes out of a pipe to a file, since it is read more than once; the file goes with this process.

    Raises BadInput if nothing comes, which is how a pipe looks whose writer has failed.
    """
    spool = tempfile.NamedTemporaryFile(prefix="plumbline-stdin-", buffering=0)  # noqa: SIM115 - open while it is read
    _spools.append(spool)
    while piece := pipe.read(1 << 20):
        spool.write(piece)
    if not spool.tell():
        raise BadInput(f"{name} ended before anything came: expected rows; did the command that writes it fail?")
    return spool.name


_spools: list[object] = []


def _kind(name: str, path: str, format: str | None) -> tuple[str, str]:
    if path == name and files_of(path).is_folder(path):
        return "folder", ""
    stem, suffix = os.path.splitext(name.lower())
    compression = _COMPRESSIONS.get(suffix, "")
    if compression and suffix != ".tgz":
        suffix = os.path.splitext(stem)[1]
    kind = format or _SUFFIXES.get(suffix)
    if kind is None:
        known = ", ".join(_SUFFIXES)
        raise BadInput(f"{name}: expected a file that ends in {known} (and .gz or .zst), or say its --format")
    return kind, compression


def _sources(first: int, name: str, path: str, kind: str, compression: str) -> list[Source]:
    if kind == "folder":
        size = sum(files_of(path).size(picture) for picture in pictures_in(path))
        return [Source(first, name, path, kind, "", size)]
    size = files_of(path).size(path)
    if kind == "parquet":
        return _row_groups(first, name, path, size)
    return [Source(first, name, path, kind, compression, size)]


def _row_groups(first: int, name: str, path: str, size: int) -> list[Source]:
    parquet = extra("pyarrow.parquet", f"{name}: Parquet")
    with files_of(path).open(path) as file:
        try:
            metadata = parquet.read_metadata(file)
        except (OSError, ValueError) as error:
            raise BadInput(f"{name}: not a Parquet file: {error}") from error
    sources, before = [], 0
    for group in range(metadata.num_row_groups):
        rows = metadata.row_group(group).num_rows
        share = size * rows // max(metadata.num_rows, 1)
        sources.append(Source(first + group, name, path, "parquet", "", share, group, before))
        before += rows
    return sources


def _fingerprint(path: str, kind: str) -> str:
    if kind != "folder":
        return files_of(path).fingerprint(path)
    digest = hashlib.sha256()
    for picture in pictures_in(path):
        digest.update(f"{picture}\0{files_of(picture).fingerprint(picture)}\n".encode())
    return f"folder:{digest.hexdigest()}"
