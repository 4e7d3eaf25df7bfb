"""INPUT arguments -> the sources that are read one after another, and the fingerprints of all files."""

import hashlib
import os
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import BinaryIO

from serving.batch.compression import split_suffix
from serving.batch.errors import BadInput
from serving.batch.files import files_of
from serving.batch.formats import FORMATS, format_of
from serving.batch.inputs.folders import SPECIAL, fewer, is_mark, is_special, kinds, look_into
from serving.batch.inputs.names import as_utf8
from serving.batch.inputs.partitions import keys_of
from serving.batch.inputs.source import Inputs, Source

STDIN = "-"


def find_inputs(
    arguments: Sequence[str], format: str | None, stdin: BinaryIO, outputs: frozenset[str] = frozenset()
) -> Inputs:
    """Look up what *arguments* name: files, folders, patterns, or `-` for *stdin*; raises BadInput.

    An argument may not name one of *outputs*, and patterns and folders skip them: a first run would not find what a
    second one does.
    """
    sources: list[Source] = []
    fingerprints: dict[str, str] = {}
    passed_over: Counter[str] = Counter()
    for name, path in _paths(arguments, stdin, outputs, passed_over):
        for found in _found(name, path, format, outputs, passed_over):
            found = replace(found, name=as_utf8(found.name))
            if found.name in fingerprints:
                raise BadInput(f"{found.name} is listed twice")
            sources += _sources(len(sources), found)
            fingerprints[found.name] = _fingerprint(found)
    return Inputs(_with_keys(sources), fingerprints, fewer(passed_over))


@dataclass(frozen=True)
class _Found:
    """A file, or a folder that is one source, with the *files* that it consists of."""

    name: str
    path: str
    format: str
    compression: str
    files: tuple[str, ...]
    is_folder: bool = False


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
        if is_special(argument):
            raise BadInput(f"{argument}: expected a file, a folder or a pipe, got a device or a socket")
        if argument in outputs:
            raise BadInput(f"{argument} is the output and can't be an input, too")
        there = [path for path in files_of(argument).glob(argument) if path not in outputs]
        found = [path for path in there if not is_special(path)]
        passed_over.update([SPECIAL] * (len(there) - len(found)))
        marks = {path for path in found if path != argument and is_mark(os.path.basename(path))}
        passed_over.update(kinds(marks))
        if len(marks) == len(found):
            raise BadInput(f"there is no {argument}")
        yield from ((path, path) for path in found if path not in marks)


def _spooled(pipe: BinaryIO, name: str) -> str:
    """Copy the content of a pipe to a file, since it is read more than once; the file lives as long as this process.

    Raises BadInput if nothing comes, as from a pipe whose writer has failed.
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
    """Yield what is read: a folder's images together, its other files one by one."""
    if path != name or not files_of(path).is_folder(path):
        yield _Found(name, path, *_kind(name, format), (path,))
        return
    contents = look_into(path, format, outputs)
    passed_over.update(contents.passed_over)
    if contents.format == "folder":
        yield _Found(name, path, contents.format, "", contents.files, is_folder=True)
        return
    yield from (_Found(file, file, contents.format, split_suffix(file)[1], (file,)) for file in contents.files)


def _kind(name: str, format: str | None) -> tuple[str, str]:
    if format == "folder":
        raise BadInput(f"{name}: expected a folder, as --format folder says; it is a file, or does not exist")
    return format_of(name, format)


def _sources(first: int, found: _Found) -> list[Source]:
    size = sum(files_of(file).size(file) for file in found.files)
    whole = Source(first, found.name, found.path, found.format, found.compression, size)
    divided = FORMATS[found.format].divide(whole)
    return [replace(source, number=first + index) for index, source in enumerate(divided)]


def _with_keys(sources: Sequence[Source]) -> tuple[Source, ...]:
    """Add the columns in the files' paths, for formats that may have some."""
    names = list(dict.fromkeys(source.name for source in sources if FORMATS[source.format].has_path_columns))
    keys = dict(zip(names, keys_of(names), strict=True))
    return tuple(replace(source, keys=keys.get(source.name, {})) for source in sources)


def _fingerprint(found: _Found) -> str:
    if not found.is_folder:
        return files_of(found.path).fingerprint(found.path)
    digest = hashlib.sha256()
    for file in found.files:
        digest.update(f"{file}\0{files_of(file).fingerprint(file)}\n".encode(errors="surrogateescape"))
    return f"folder:{digest.hexdigest()}"
