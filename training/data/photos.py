"""Photos in a folder with a sub-folder for each class. Files that can't be read as photos are skipped, and listed.

All are tried at first; their bytes are read again whenever they are asked for: only a few are in memory at a time.

The decoder of the serving side decides whether a file is a photo: a model could not be sent any other later.
"""

import io
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from PIL import Image

from serving.contract.encoders import Picture
from serving.contract.faults import Faults
from training.data.datasets import Dataset, Instance, Part, download, png
from training.data.instances import Lazy, Numbers
from training.errors import BadRequest

ARCHIVE = "https://storage.googleapis.com/mledu-datasets/cats_and_dogs_filtered.zip"
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif")
MAX_BYTES = 50_000_000
MAX_LISTED = 100
"""Maximum number of skipped files that are listed: the list becomes part of the model's contract."""
_DECODER = Picture(32, 32)  # of any size: it only tries whether a file can be decoded


@dataclass(frozen=True)
class PhotoFolder:
    """The content of a folder of class sub-folders: the photos of each class by its label, and the skipped files."""

    classes: Mapping[str, Sequence[str]]
    skipped: tuple[str, ...]


class Photos(Lazy[Instance]):
    """Photos in files, as instances with the field `image`, which are read when they are asked for."""

    piece = 16

    def __init__(self, files: Sequence[str]) -> None:
        self._files = files

    def __len__(self) -> int:
        return len(self._files)

    def take(self, rows: Numbers) -> Sequence[Instance]:
        """Return the photos with the numbers *rows*. Raises BadRequest if one can't be read any more."""
        return [{"image": read_photo(Path(self._files[row]))} for row in rows.tolist()]


class _Unusable(Exception):
    """Why a file is not a photo."""


def cats_and_dogs(data_dir: Path | None) -> Dataset:
    """Load 2,000 training photos, and 1,000 from the folder `validation`: every second one of a class is a test photo.

    The other 500 are training rows too: the validation strategy splits off validation rows. The folder `cats_and_dogs`
    in *data_dir* may contain two classes of any name. Raises BadRequest if it does not, or DataUnavailable.
    """
    folder = _downloaded_or(data_dir)
    train, held = (read_classes(folder / part) for part in ("train", "validation"))
    labels = tuple(train.classes)
    if len(labels) != 2 or set(labels) != set(held.classes):
        found = f"{', '.join(labels)} in train and {', '.join(held.classes)} in validation"
        raise BadRequest(f"{folder}: expected the same two classes in both parts, found {found}")
    for label in labels:
        if len(held.classes[label]) < 2:
            raise BadRequest(f"{folder / 'validation' / label}: expected at least two readable photos, found one")
    training = [[*train.classes[label], *held.classes[label][::2]] for label in labels]
    test = [held.classes[label][1::2] for label in labels]
    return Dataset(
        "cats_and_dogs", _by_class(training), _by_class(test), labels, notes=notes_on(train.skipped + held.skipped)
    )


def read_classes(folder: Path) -> PhotoFolder:
    """Read the photos in each sub-folder, whose name is their label; hidden files are ignored.

    Raises BadRequest if there are fewer than two sub-folders, or one without a readable photo.
    """
    if not folder.is_dir():
        raise BadRequest(f"{folder}: expected a folder with a sub-folder of photos for each class, found none")
    classes, skipped = {}, []
    for entry in sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")):
        classes[entry.name], unusable = _photos(entry)
        skipped += unusable
        if not classes[entry.name]:
            raise BadRequest(f"{entry}: found no readable photo of this class{_first_of(unusable)}")
    if len(classes) < 2:
        found = ", ".join(classes) or "none"
        raise BadRequest(f"{folder}: expected sub-folders for at least two classes, found {found}")
    return PhotoFolder(classes, tuple(skipped))


def _photos(folder: Path) -> tuple[list[str], list[str]]:
    photos, skipped = [], []
    for path in sorted(path for path in folder.iterdir() if not path.name.startswith(".")):
        if problem := photo_problem(path):
            skipped.append(f"{path}: {problem}")
        else:
            photos.append(str(path))
    return photos, skipped


def photo_problem(path: Path) -> str:
    """Return what is wrong with a file that is no photo; "" of a photo."""
    try:
        _check(path)
    except OSError as error:
        return str(error.strerror or error)
    except _Unusable as error:
        return str(error)
    return ""


def _check(path: Path) -> None:
    """Raise _Unusable or OSError for what is no photo."""
    if path.suffix.lower() not in SUFFIXES:
        raise _Unusable(f"expected a name that ends in {', '.join(SUFFIXES)}")
    size = path.stat().st_size
    if not path.is_file():
        raise _Unusable("expected a file")
    if size > MAX_BYTES:
        raise _Unusable(f"expected at most {MAX_BYTES:,} bytes, got {size:,}")
    faults = Faults()
    _DECODER.read([_read(path)], faults)
    for fault in faults.first:
        raise _Unusable(fault.problem)


def read_photo(path: Path) -> bytes:
    """Read a photo in the form in which a client would send it. Raises BadRequest if that is not possible any more."""
    try:
        return _read(path)
    except (OSError, _Unusable) as error:
        raise BadRequest(f"{path}: could be read as a photo when the job began, and can't be now: {error}") from error


def _read(path: Path) -> bytes:
    """Read a file in the form in which a client would send it. Raises _Unusable or OSError."""
    data = path.read_bytes()
    return _from_bmp(data) if path.suffix.lower() == ".bmp" else data


def _from_bmp(data: bytes) -> bytes:
    """Convert a BMP losslessly to a format that can be served."""
    try:
        with Image.open(io.BytesIO(data), formats=("BMP",)) as image:
            return png(np.asarray(image.convert("RGB")))
    except Exception as error:  # Pillow's parsers may raise anything
        raise _Unusable(f"expected a complete BMP, got {len(data)} bytes that can't be decoded") from error


def notes_on(skipped: Sequence[str]) -> tuple[str, ...]:
    """Return what users of a model should know of skipped files."""
    notes = tuple(f"skipped {line}" for line in skipped[:MAX_LISTED])
    return notes if len(skipped) <= MAX_LISTED else (*notes, f"skipped {len(skipped) - MAX_LISTED} more")


def _first_of(skipped: Sequence[str]) -> str:
    return f"; skipped {len(skipped)}, first {skipped[0]}" if skipped else ""


def _downloaded_or(data_dir: Path | None) -> Path:
    if data_dir and (data_dir / "cats_and_dogs").is_dir():
        return data_dir / "cats_and_dogs"
    archive = download("cats_and_dogs", lambda: keras.utils.get_file(origin=ARCHIVE, extract=True))
    return Path(archive) / "cats_and_dogs_filtered"


def _by_class(photos: Sequence[Sequence[str]]) -> Part:
    return Part(
        Photos([*itertools.chain.from_iterable(photos)]),
        np.repeat(np.arange(len(photos)), [len(of_class) for of_class in photos]),
    )
