"""Reads captures back, part by part, from a folder or an object store."""

import gzip
import zlib
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import TypeVar

from serving.captures.errors import DamagedCapture, UnusableCaptures
from serving.captures.parts import CAPTURES, PartName
from serving.captures.record import Capture
from serving.files import Files, UnusableAddress, open_files

MAX_LINE_BYTES = 64 * 1024 * 1024
T = TypeVar("T")


def read_captures(
    place: str, model: str, since: datetime | None = None, until: datetime | None = None
) -> Iterator[Capture]:
    """Yield the captures of *model* from *since* until before *until*, in the order of their parts' times.

    *place* is a folder, or a URL that fsspec opens. Raises UnusableCaptures, DamagedCapture or OSError.
    """
    for path, _ in parts_in(place, model, CAPTURES, since, until):
        for capture in read_part(place, path, Capture.from_json):
            if (since is None or capture.time >= since) and (until is None or capture.time < until):
                yield capture


def parts_in(
    place: str, model: str, kind: str, since: datetime | None = None, until: datetime | None = None
) -> list[tuple[str, PartName]]:
    """List the parts of *model* and *kind* that may have lines in the window: path or URL, and name; by time.

    Raises UnusableCaptures or OSError.
    """
    found = []
    for path in _below(files_of(place), f"{place.rstrip('/')}/{model}/{kind}"):
        name = PartName.of(path)
        if name and (name.model, name.kind) == (model, kind) and name.may_hold(since, until):
            found.append((path, name))
    return sorted(found, key=lambda part: (part[1].time, part[0]))


def read_part(place: str, path: str, read: Callable[[bytes], T]) -> Iterator[T]:
    """Yield what *read* makes of each line of the part at *path*; raises DamagedCapture or OSError.

    *read* raises ValueError that says what it expected.
    """
    for number, line in _lines(files_of(place), path):
        try:
            yield read(line)
        except ValueError as error:
            raise DamagedCapture(path, number, str(error)) from error


def files_of(place: str) -> Files:
    """Return the files that *place* has; raises UnusableCaptures."""
    try:
        return open_files(place)
    except UnusableAddress as error:
        raise UnusableCaptures(str(error)) from error


def _below(files: Files, folder: str) -> list[str]:
    try:
        return files.below(folder)
    except FileNotFoundError:
        return []


def _lines(files: Files, path: str) -> Iterator[tuple[int, bytes]]:
    number = 0
    if files.is_special(path):  # a pipe would be waited for
        raise DamagedCapture(path, 1, "expected a file")
    try:
        with files.open(path) as file, gzip.GzipFile(fileobj=file) as stream:
            while line := stream.readline(MAX_LINE_BYTES + 1):
                number += 1
                if not line.endswith(b"\n"):
                    raise DamagedCapture(
                        path, number, f"expected a line of at most {MAX_LINE_BYTES:,} bytes, and its end"
                    )
                yield number, line
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DamagedCapture(path, number + 1, f"expected a part in gzip, whole: {error}") from error
