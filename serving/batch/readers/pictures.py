"""Pictures: each file of a folder, of a zip or of a tar is a row, whose id is its path."""

import sys
import tarfile
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO

from serving.batch.errors import BadInput
from serving.batch.files import files_of
from serving.batch.inputs.finding import Source
from serving.batch.inputs.folders import LINK, PICTURES, fewer, is_picture, kinds, pictures_in, said
from serving.batch.readers.records import MOST_BYTES, IteratorRecords, Opened, open_streams
from serving.batch.rows import Columns, Rows

MOST_PICTURE_BYTES = 100_000_000
"""A larger file is not read at all, and rejected."""

_TOO_LARGE = f"expected a file of at most {MOST_PICTURE_BYTES:,} bytes"
_FIELD = "image"


@dataclass(frozen=True)
class Picture:
    """A picture's path, and its bytes unless they are still to be read there; *problem* is why that can't be."""

    path: str
    data: bytes | None = None
    problem: str = ""

    def __len__(self) -> int:
        return len(self.data or b"")


def folder_records(source: Source, columns: Columns) -> Opened:
    """List a folder; the files are read where the rows are made."""
    _check(source, columns)
    pictures = FolderRecords(source)
    if not len(pictures):
        raise BadInput(f"{source.name}: expected a folder of pictures ({', '.join(PICTURES)}), found none")
    return Opened(pictures, PictureReader(""))


def zip_records(source: Source, columns: Columns) -> Opened:
    """Open a zip archive."""
    _check(source, columns)
    with open_streams(source) as (_, file):
        pictures = _from_zip(_zip(source, file))
    return Opened(IteratorRecords(source, (file,), pictures, _size, group=1), PictureReader(f"{source.name}/"))


def tar_records(source: Source, columns: Columns) -> Opened:
    """Open a tar archive, which is read from its beginning to its end."""
    _check(source, columns)
    with open_streams(source) as (stream, file):
        records = IteratorRecords(source, (stream, file), _from_tar(stream), _size, group=1)
    return Opened(records, PictureReader(f"{source.name}/"))


def passed_over(source: Source) -> Counter[str]:
    """Count by their kind the members of an archive that are no pictures; raises BadInput if none is one."""
    counts: Counter[str] = Counter()
    with open_streams(source) as (stream, file):
        members = _zip_members(_zip(source, file)) if source.format == "zip" else _tar_members(stream)
        counting = IteratorRecords(source, (stream, file), _counted(members, counts), len, group=1024)
        pictures = counting.skip(sys.maxsize)
    counting.close()
    if not pictures:
        found = said(fewer(counts)) or "nothing"
        raise BadInput(f"{source.name}: expected an archive of pictures ({', '.join(PICTURES)}), found {found}")
    return counts


class FolderRecords:
    """The pictures of a folder."""

    def __init__(self, source: Source) -> None:
        self._paths = pictures_in(source.path)
        self._size = source.size
        self._next = 0

    def __len__(self) -> int:
        return len(self._paths)

    def take(self, count: int) -> Sequence[Picture]:
        """Give the next pictures, unread."""
        taken, size = list[Picture](), 0
        while self._next < len(self._paths) and len(taken) < count and size < MOST_BYTES:
            path = self._paths[self._next]
            bytes_there = files_of(path).size(path)
            problem = _TOO_LARGE if bytes_there > MOST_PICTURE_BYTES else ""
            taken.append(Picture(path, problem=problem))
            size += bytes_there
            self._next += 1
        return taken

    def skip(self, count: int) -> int:
        """Pass over the next pictures."""
        skipped = min(count, len(self._paths) - self._next)
        self._next += skipped
        return skipped

    def position(self) -> int:
        """Tell the share of the pictures that was read."""
        return self._size * self._next // max(len(self._paths), 1)

    def close(self) -> None:
        """Do nothing: no file stays open."""


@dataclass(frozen=True)
class PictureReader:
    """Pictures -> rows; *prefix* stands before their paths."""

    prefix: str

    def read(self, records: Sequence[Picture], first: int) -> Rows:
        """Read pictures."""
        rows = Rows()
        for number, picture in enumerate(records, first):
            if picture.problem:
                rows.rejects.append((number, f"{self.prefix}{picture.path}: {picture.problem}"))
            else:
                rows.add(number, self.prefix + picture.path, {_FIELD: _data(picture)})
        return rows


def _data(picture: Picture) -> bytes:
    if picture.data is not None:
        return picture.data
    with files_of(picture.path).open(picture.path) as file:
        return file.read()


def _check(source: Source, columns: Columns) -> None:
    if tuple(columns.fields) != (_FIELD,):
        anyway = "; --format parquet reads a folder's Parquet files" if source.format == "folder" else ""
        raise BadInput(f"{source.name}: a folder or an archive holds pictures; this model takes other fields{anyway}")
    if columns.id_column or columns.keep:
        raise BadInput(f"{source.name}: pictures have no columns, so --id-column and --keep can't be used")


def _zip(source: Source, file: BinaryIO) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(file)
    except zipfile.BadZipFile as error:
        raise BadInput(f"{source.name}: not a zip archive: {error}") from error


def _zip_members(archive: zipfile.ZipFile) -> Iterator[tuple[str, bool]]:
    """Give each member that is no folder: its name, and whether it is a file."""
    return ((member.filename, True) for member in archive.infolist() if not member.is_dir())


def _from_zip(archive: zipfile.ZipFile) -> Iterator[Picture]:
    for member in archive.infolist():
        if member.is_dir() or not is_picture(member.filename):
            continue
        if member.file_size > MOST_PICTURE_BYTES:
            yield Picture(member.filename, problem=_TOO_LARGE)
            continue
        try:
            yield Picture(member.filename, archive.read(member))
        except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError, OSError) as error:
            yield Picture(member.filename, problem=f"can't be read: {error}")


def _tar_members(stream: BinaryIO) -> Iterator[tuple[str, bool]]:
    """Give each member that is no folder: its name, and whether it is a file (or else a link, a device...)."""
    with _tar(stream) as archive:
        yield from ((member.name, member.isfile()) for member in archive if not member.isdir())


def _from_tar(stream: BinaryIO) -> Iterator[Picture]:
    with _tar(stream) as archive:
        for member in archive:
            if not (member.isfile() and is_picture(member.name)):
                continue
            if member.size > MOST_PICTURE_BYTES:
                yield Picture(member.name, problem=_TOO_LARGE)
                continue
            data: Any = archive.extractfile(member)
            yield Picture(member.name, data.read())


@contextmanager
def _tar(stream: BinaryIO) -> Iterator[tarfile.TarFile]:
    try:
        with tarfile.open(fileobj=stream, mode="r|") as archive:
            yield archive
    except tarfile.ReadError as error:
        raise ValueError(error) from error


def _counted(members: Iterable[tuple[str, bool]], counts: Counter[str]) -> Iterator[str]:
    """Give the names of the pictures, and count the others."""
    for name, is_file in members:
        if not is_file:
            counts[LINK] += 1
        elif is_picture(name):
            yield name
        else:
            counts.update(kinds([name]))


def _size(pictures: Sequence[Picture]) -> int:
    return sum(len(picture) for picture in pictures)
