"""INPUT arguments -> the sources that are read one after another, and the fingerprints of all files."""

import hashlib
import os
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import BinaryIO

from serving.batch.arrow.parquet_files import open_parquet
from serving.batch.errors import BadInput
from serving.batch.files import files_of
from serving.batch.inputs.folders import PARQUET, fewer, is_mark, kinds, look_into
from serving.batch.inputs.partitions import Value, keys_of

FORMATS = ("csv", "tsv", "jsonl", "parquet", "zip", "tar", "folder")
STDIN = "-"

_SUFFIXES = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    **dict.fromkeys(PARQUET, "parquet"),
    ".zip": "zip",
    ".tar": "tar",
    ".tgz": "tar",
}
_COMPRESSIONS = {".gz": "gz", ".tgz": "gz", ".zst": "zst"}


@dataclass(frozen=True)
class Source:
    """A stretch of rows that is read in one go: a file, or one row group of a Parquet file.

    *name* is the file as its rows are called, *path* where it is read; *before* is the number of rows that come before
    in the same file, *size* the bytes that it takes of it. *keys* are columns that stand in the file's path.
    """

    number: int
    name: str
    path: str
    format: str
    compression: str
    size: int
    row_group: int = 0
    before: int = 0
    keys: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True)
class Inputs:
    """All that is to be read, in order, and the fingerprint of each file by its name.

    *passed_over* counts what is not read of folders, by its kind.
    """

    sources: tuple[Source, ...]
    fingerprints: dict[str, str]
    passed_over: Mapping[str, int] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """The bytes of all sources."""
        return sum(source.size for source in self.sources)


def find_inputs(
    arguments: Sequence[str], format: str | None, stdin: BinaryIO, outputs: frozenset[str] = frozenset()
) -> Inputs:
    """Look up what *arguments* name: files, folders, patterns, or `-` for *stdin*; raises BadInput.

    Of *outputs* none may be named, and patterns and folders pass over them: the first run would not find what the
    second does.
    """
    sources: list[Source] = []
    fingerprints: dict[str, str] = {}
    passed_over: Counter[str] = Counter()
    for name, path in _paths(arguments, stdin, outputs, passed_over):
        for found in _found(name, path, format, outputs, passed_over):
            if found.name in fingerprints:
                raise BadInput(f"{found.name} stands there twice")
            sources += _sources(len(sources), found)
            fingerprints[found.name] = _fingerprint(found)
    return Inputs(_with_keys(sources), fingerprints, fewer(passed_over))


@dataclass(frozen=True)
class _Found:
    """A file, or a folder with the pictures in it."""

    name: str
    path: str
    format: str
    compression: str = ""
    pictures: tuple[str, ...] = ()


def _paths(
    arguments: Sequence[str], stdin: BinaryIO, outputs: frozenset[str], passed_over: Counter[str]
) -> Iterator[tuple[str, str]]:
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
        marks = {path for path in found if path != argument and is_mark(os.path.basename(path))}
        passed_over.update(kinds(marks))
        if len(marks) == len(found):
            raise BadInput(f"there is no {argument}")
        yield from ((path, path) for path in found if path not in marks)


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


def _found(
    name: str, path: str, format: str | None, outputs: frozenset[str], passed_over: Counter[str]
) -> Iterator[_Found]:
    """Give what is read: a folder's pictures together, its Parquet files each for itself."""
    if path != name or not files_of(path).is_folder(path):
        yield _Found(name, path, *_kind(name, format))
        return
    contents = look_into(path, format, outputs)
    passed_over.update(contents.passed_over)
    if contents.format == "folder":
        yield _Found(name, path, "folder", "", contents.files)
        return
    yield from (_Found(file, file, contents.format) for file in contents.files)


def _kind(name: str, format: str | None) -> tuple[str, str]:
    if format == "folder":
        raise BadInput(f"{name}: expected a folder, as --format folder says; it is a file, or is not there")
    stem, suffix = os.path.splitext(name.lower())
    compression = _COMPRESSIONS.get(suffix, "")
    if compression and suffix != ".tgz":
        suffix = os.path.splitext(stem)[1]
    kind = format or _SUFFIXES.get(suffix)
    if kind is None:
        known = ", ".join(_SUFFIXES)
        raise BadInput(f"{name}: expected a file that ends in {known} (and .gz or .zst), or say its --format")
    return kind, compression


def _sources(first: int, found: _Found) -> list[Source]:
    name, path = found.name, found.path
    if found.format == "parquet":
        return _row_groups(first, name, path, files_of(path).size(path))
    files = found.pictures if found.format == "folder" else (path,)
    size = sum(files_of(file).size(file) for file in files)
    return [Source(first, name, path, found.format, found.compression, size)]


def _row_groups(first: int, name: str, path: str, size: int) -> list[Source]:
    with files_of(path).open(path) as file:
        metadata = open_parquet(name, file).metadata
    if not metadata.num_row_groups:  # its columns are looked at even so
        return [Source(first, name, path, "parquet", "", size)]
    sources, before = [], 0
    for group in range(metadata.num_row_groups):
        rows = metadata.row_group(group).num_rows
        share = size * rows // max(metadata.num_rows, 1)
        sources.append(Source(first + group, name, path, "parquet", "", share, group, before))
        before += rows
    return sources


def _with_keys(sources: Sequence[Source]) -> tuple[Source, ...]:
    """Add the columns that stand in the paths of Parquet files."""
    names = list(dict.fromkeys(source.name for source in sources if source.format == "parquet"))
    keys = dict(zip(names, keys_of(names), strict=True))
    return tuple(replace(source, keys=keys.get(source.name, {})) for source in sources)


def _fingerprint(found: _Found) -> str:
    if found.format != "folder":
        return files_of(found.path).fingerprint(found.path)
    digest = hashlib.sha256()
    for picture in found.pictures:
        digest.update(f"{picture}\0{files_of(picture).fingerprint(picture)}\n".encode())
    return f"folder:{digest.hexdigest()}"
