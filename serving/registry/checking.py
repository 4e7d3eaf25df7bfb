"""Checks whether TensorFlow Serving can load a version, by its files and without TensorFlow.

A version that can't be loaded makes its start fail, even if there are good versions. The check reports only definite
problems: a version without any may still fail to load, for example with an unknown operation.
"""

import json
import re
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from google.protobuf import text_format
from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import DecodeError
from google.protobuf.unknown_fields import UnknownFieldSet

from serving.registry.errors import DamagedVersion
from serving.registry.integrity import check_version
from serving.registry.server_config import BATCHING_FILE
from serving.registry.versions import CONTRACT, SAVED_MODEL, SERVED, read_contract, scan
from serving.tfserving.rebuilt_messages import BatchingParameters

_OTHER_FORMS = ("saved_model.pbtxt", "saved_model.cpb")
_META_GRAPHS, _META_INFO, _TAGS = 2, 1, 4  # of SavedModel, MetaGraphDef, MetaInfoDef
_SERVE = b"serve"
_SHARD = re.compile(r"variables\.data-(\d{5})-of-(\d{5})")
_TABLE_END = struct.pack("<Q", 0xDB4775248B80FB57)
_WARM_UP = "assets.extra/tf_serving_warmup_requests"
_MAX_WARM_UP = 1000
_RECORD = struct.Struct("<Q4x")
_RECORD_END = 4
_MAX_TEXT_BYTES = 1 << 20
_MAX_GRAPH_BYTES = (1 << 31) - 1  # of protobuf itself


@dataclass(frozen=True)
class Unloadable:
    """A version that can't be loaded, and why."""

    number: int
    path: Path
    problem: str


class _Found(Exception):
    """A problem was found; the message is the problem."""


def check_folder(folder: Path) -> tuple[list[int], list[Unloadable]]:
    """Check a model's versions from the newest on, until enough can be loaded; return the good and the bad ones."""
    good: list[int] = []
    bad: list[Unloadable] = []
    for number, path in reversed(scan(folder).items()):
        if problem := why_unloadable(path):
            bad.append(Unloadable(number, path, problem))
        else:
            good.append(number)
        if len(good) == SERVED:
            break
    return good, bad


def why_unloadable(path: Path) -> str:
    """Return why TensorFlow Serving can't load the version in *path*; empty if no problem is found.

    One that it can load is refused as well if its files are not those that its manifest lists.
    """
    return _first_problem(path, _check_graph, _check_variables, _check_batching, _check_warm_up, check_version)


def why_incomplete(path: Path) -> str:
    """Return what the version in *path* lacks, whatever is to load it; empty if no problem is found.

    It is for versions without a manifest, which would tell.
    """
    return _first_problem(path, _check_graph, _check_variables, _check_contract)


def _first_problem(path: Path, *checks: Callable[[Path], object]) -> str:
    try:
        for check in checks:
            check(path)
    except (_Found, DamagedVersion) as found:
        return str(found)
    except OSError as error:
        return f"{Path(error.filename or path).name}: {error.strerror}"
    return ""


def _check_graph(path: Path) -> None:
    if not path.is_dir():
        raise _Found("expected a folder, got a file")
    file = path / SAVED_MODEL
    if not file.is_file():
        if not any((path / name).is_file() for name in _OTHER_FORMS):
            raise _Found(f"{SAVED_MODEL} is missing")
        return
    if (size := file.stat().st_size) > _MAX_GRAPH_BYTES:
        raise _Found(f"{SAVED_MODEL}: expected at most {_MAX_GRAPH_BYTES} bytes, got {size}")
    try:
        tags = {tag for graph in _parts(file.read_bytes(), _META_GRAPHS) for tag in _tags(graph)}
    except DecodeError:
        raise _Found(f"{SAVED_MODEL}: expected a SavedModel, got {size} bytes that are damaged or cut off") from None
    if _SERVE not in tags:
        raise _Found(f"{SAVED_MODEL}: expected a graph with the tag 'serve', got {len(tags)} other tags")


def _tags(graph: bytes) -> Iterator[bytes]:
    for info in _parts(graph, _META_INFO):
        yield from _parts(info, _TAGS)


def _parts(message: bytes, number: int) -> list[bytes]:
    """List the values of a message's field of this number; raises DecodeError."""
    fields = UnknownFieldSet(Empty.FromString(message))
    found = (fields[index] for index in range(len(fields)))
    return [field.data for field in found if field.field_number == number and isinstance(field.data, bytes)]


def _check_variables(path: Path) -> None:
    folder = path / "variables"
    shards = [match for file in folder.glob("variables.data-*") if (match := _SHARD.fullmatch(file.name))]
    index = folder / "variables.index"
    if not index.is_file():
        if shards:
            raise _Found("variables/variables.index is missing")
        return
    if not index.read_bytes().endswith(_TABLE_END):
        raise _Found("variables/variables.index is damaged or cut off")
    counts = {int(match[2]) for match in shards}
    if {int(match[1]) for match in shards} != set(range(max(counts, default=1))) or len(counts) > 1:
        raise _Found(f"variables: expected all of variables.data-*, got {sorted(match[0] for match in shards)}")


def _check_contract(path: Path) -> None:
    """Check that there is one, but not what it says: a later release or a package of its own may know that."""
    try:
        json.loads(read_contract(path))
    except (ValueError, RecursionError) as error:
        raise _Found(f"{CONTRACT}: {error}") from None


def _check_batching(path: Path) -> None:
    file = path / BATCHING_FILE
    if not file.is_file():
        return
    if file.stat().st_size > _MAX_TEXT_BYTES:
        raise _Found(f"{file.name}: expected at most {_MAX_TEXT_BYTES} bytes, got {file.stat().st_size}")
    try:
        read = text_format.Parse(file.read_bytes(), BatchingParameters(), allow_unknown_field=True)
    except (text_format.ParseError, UnicodeDecodeError) as error:
        raise _Found(f"{file.name}: {error}") from None
    sizes: Sequence[int] = read.allowed_batch_sizes
    largest = read.max_batch_size.value if read.HasField("max_batch_size") else 1000
    if sizes and sizes[-1] != largest:
        raise _Found(f"{file.name}: the last of allowed_batch_sizes must be max_batch_size, {largest}, got {sizes[-1]}")


def _check_warm_up(path: Path) -> None:
    """Check the lengths in a TFRecord file, but not its checksums: these would take a second per megabyte."""
    file = path / _WARM_UP
    if not file.is_file():
        return
    count, size = 0, file.stat().st_size
    with file.open("rb") as records:
        while head := records.read(_RECORD.size):
            count += 1
            if len(head) < _RECORD.size or size - records.tell() < (rest := _RECORD.unpack(head)[0] + _RECORD_END):
                raise _Found(f"{_WARM_UP} is damaged or cut off at record {count}")
            if count > _MAX_WARM_UP:
                raise _Found(f"{_WARM_UP}: expected at most {_MAX_WARM_UP} records")
            records.seek(rest, 1)
