"""Images: each file of a folder is a row, whose id is its path."""

from collections.abc import Sequence
from dataclasses import dataclass

from serving.batch.errors import BadInput
from serving.batch.files import files_of
from serving.batch.inputs.folders import IMAGE_SUFFIXES, images_in
from serving.batch.inputs.names import as_utf8
from serving.batch.inputs.source import Source
from serving.batch.readers.records import MAX_CHUNK_BYTES, Opened
from serving.batch.rows import Columns, Rows

MAX_IMAGE_BYTES = 100_000_000
"""A larger file is rejected unread."""

TOO_LARGE = f"expected a file of at most {MAX_IMAGE_BYTES:,} bytes"


@dataclass(frozen=True)
class Image:
    """An image's path and its bytes, or None while they are still to be read; *problem* says why they can't be."""

    path: str
    data: bytes | None = None
    problem: str = ""

    def __len__(self) -> int:
        return len(self.data or b"")


def folder_records(source: Source, columns: Columns) -> Opened:
    """List a folder's images, which are read only when rows are made of them; raises BadInput."""
    check_columns(source, columns)
    images = FolderRecords(source)
    if not len(images):
        raise BadInput(f"{source.name}: expected a folder of images ({', '.join(IMAGE_SUFFIXES)}), found none")
    return Opened(images, ImageReader("", *columns.fields))


def check_columns(source: Source, columns: Columns) -> None:
    """Raise BadInput if the model, or an option, needs more columns than the image."""
    if columns.files != columns.fields.keys() or len(columns.fields) != 1:
        anyway = "; --format parquet reads a folder's Parquet files" if source.format == "folder" else ""
        raise BadInput(f"{source.name}: a folder or an archive holds images; this model takes other fields{anyway}")
    if columns.id_column or columns.keep:
        raise BadInput(f"{source.name}: images have no columns, so --id-column and --keep can't be used")


class FolderRecords:
    """The images of a folder."""

    def __init__(self, source: Source) -> None:
        self._paths = images_in(source.path)
        self._size = source.size
        self._next = 0

    def __len__(self) -> int:
        return len(self._paths)

    def take(self, count: int) -> Sequence[Image]:
        """Return the next images, unread."""
        taken, size = list[Image](), 0
        while self._next < len(self._paths) and len(taken) < count and size < MAX_CHUNK_BYTES:
            path = self._paths[self._next]
            bytes_there = files_of(path).size(path)
            problem = TOO_LARGE if bytes_there > MAX_IMAGE_BYTES else ""
            taken.append(Image(path, problem=problem))
            size += bytes_there
            self._next += 1
        return taken

    def skip(self, count: int) -> int:
        """Skip the next images, and return how many there were."""
        skipped = min(count, len(self._paths) - self._next)
        self._next += skipped
        return skipped

    def position(self) -> int:
        """Return the folder's size times the share of the images read so far."""
        return self._size * self._next // max(len(self._paths), 1)

    def close(self) -> None:
        """Do nothing: no file stays open."""


@dataclass(frozen=True)
class ImageReader:
    """Images -> rows; *prefix* precedes their paths."""

    prefix: str
    field: str

    def read(self, records: Sequence[Image], first: int) -> Rows:
        """Read images."""
        rows = Rows()
        for number, image in enumerate(records, first):
            name = self.prefix + as_utf8(image.path)
            if image.problem:
                rows.rejects.append((number, f"{name}: {image.problem}"))
            else:
                rows.add(number, name, {self.field: _data(image)})
        return rows


def _data(image: Image) -> bytes:
    if image.data is not None:
        return image.data
    with files_of(image.path).open(image.path) as file:
        return file.read()
