"""Images in archives: each image in a zip or a tar is a row, whose id is its path below the archive's name."""

import sys
import tarfile
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, BinaryIO, Self

from serving.batch.errors import BadInput
from serving.batch.inputs.folders import IMAGE_SUFFIXES, LINK, fewer, in_words, is_image, kinds
from serving.batch.inputs.source import Source
from serving.batch.readers.images import MAX_IMAGE_BYTES, TOO_LARGE, Image, ImageReader, check_columns
from serving.batch.readers.records import IteratorRecords, Opened, open_streams
from serving.batch.rows import Columns


def zip_records(source: Source, columns: Columns) -> Opened:
    """Open a zip archive; raises BadInput."""
    check_columns(source, columns)
    with open_streams(source) as (_, file):
        images = _from_zip(_zip(source, file))
    records = IteratorRecords(source, (file,), images, _size, group=1)
    return Opened(records, ImageReader(f"{source.name}/", *columns.fields))


def tar_records(source: Source, columns: Columns) -> Opened:
    """Open a tar archive, which is read from its beginning to its end; raises BadInput."""
    check_columns(source, columns)
    with open_streams(source) as (stream, file):
        records = IteratorRecords(source, (stream, file), _from_tar(stream), _size, group=1)
    return Opened(records, ImageReader(f"{source.name}/", *columns.fields))


def zip_passed_over(source: Source) -> Counter[str]:
    """Count by their kind the members of a zip that are not images; raises BadInput if none is one."""
    with open_streams(source) as (stream, file):
        return _passed_over(source, (stream, file), _zip_members(_zip(source, file)))


def tar_passed_over(source: Source) -> Counter[str]:
    """Count by their kind the members of a tar that are not images; raises BadInput if none is one."""
    with open_streams(source) as (stream, file):
        return _passed_over(source, (stream, file), _tar_members(stream))


def _passed_over(source: Source, streams: Sequence[BinaryIO], members: Iterable[tuple[str, bool]]) -> Counter[str]:
    counts: Counter[str] = Counter()
    counting = IteratorRecords(source, streams, _counted(members, counts), len, group=1024)
    images = counting.skip(sys.maxsize)
    counting.close()
    if not images:
        found = in_words(fewer(counts)) or "nothing"
        raise BadInput(f"{source.name}: expected an archive of images ({', '.join(IMAGE_SUFFIXES)}), found {found}")
    return counts


def _zip(source: Source, file: BinaryIO) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(file)
    except zipfile.BadZipFile as error:
        raise BadInput(f"{source.name}: not a zip archive: {error}") from error


def _zip_members(archive: zipfile.ZipFile) -> Iterator[tuple[str, bool]]:
    """Yield each member that is not a folder: its name, and that it is a file."""
    return ((member.filename, True) for member in archive.infolist() if not member.is_dir())


def _from_zip(archive: zipfile.ZipFile) -> Iterator[Image]:
    for member in archive.infolist():
        if member.is_dir() or not is_image(member.filename):
            continue
        if member.file_size > MAX_IMAGE_BYTES:
            yield Image(member.filename, problem=TOO_LARGE)
            continue
        try:
            yield Image(member.filename, archive.read(member))
        except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError, OSError) as error:
            yield Image(member.filename, problem=f"can't be read: {error}")


def _tar_members(stream: BinaryIO) -> Iterator[tuple[str, bool]]:
    """Yield each member that is not a folder: its name, and whether it is a file (rather than a link or a device)."""
    with _tar(stream) as members:
        yield from ((member.name, member.isfile()) for member in members if not member.isdir())


def _from_tar(stream: BinaryIO) -> Iterator[Image]:
    with _tar(stream) as members:
        for member in members:
            if not (member.isfile() and is_image(member.name)):
                continue
            if member.size > MAX_IMAGE_BYTES:
                yield Image(member.name, problem=TOO_LARGE)
                continue
            data: Any = members.extractfile(member)
            yield Image(member.name, data.read())


_EXTENDED = (
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)
_MAX_EXTENDED_BYTES = 1 << 20


class _Member(tarfile.TarInfo):
    """A member's header. `tarfile` takes one that is cut or damaged for the archive's end; here it is an error.

    So is an extended header that is large, for `tarfile` reads those into memory as a whole.
    """

    @classmethod
    def frombuf(cls, *block: Any) -> Self:
        header = super().frombuf(*block)
        if header.type in _EXTENDED and header.size > _MAX_EXTENDED_BYTES:
            most = f"at most {_MAX_EXTENDED_BYTES:,} bytes"
            raise tarfile.ReadError(f"expected an extended header of {most}, got one of {header.size:,}")
        return header

    @classmethod
    def fromtarfile(cls, archive: tarfile.TarFile) -> Self:
        try:
            return super().fromtarfile(archive)
        except tarfile.EOFHeaderError:  # type: ignore[attr-defined]  # typeshed lacks it
            raise
        except tarfile.HeaderError as error:
            raise tarfile.ReadError(f"expected a member or the archive's end, got {error}") from error


class _Members(tarfile.TarFile):
    """The members of an archive, which has to have an end, and nothing after it."""

    tarinfo = _Member

    def __iter__(self) -> Iterator[tarfile.TarInfo]:
        yield from super().__iter__()
        stream: Any = self.fileobj
        while block := stream.read(tarfile.BLOCKSIZE):
            if block.strip(b"\0"):
                raise tarfile.ReadError("expected nothing after the archive's end: unpack it by tar --ignore-zeros")


@contextmanager
def _tar(stream: BinaryIO) -> Iterator[_Members]:
    members: Any = None
    try:
        with _Members.open(fileobj=stream, mode="r|") as members:
            yield members
    except tarfile.TarError as error:
        place = f"byte {members.fileobj.tell():,}: " if members else ""
        raise ValueError(f"{place}{error}") from error


def _counted(members: Iterable[tuple[str, bool]], counts: Counter[str]) -> Iterator[str]:
    """Yield the names of the images, and count the other members."""
    for name, is_file in members:
        if not is_file:
            counts[LINK] += 1
        elif is_image(name):
            yield name
        else:
            counts.update(kinds([name]))


def _size(images: Sequence[Image]) -> int:
    return sum(len(image) for image in images)
