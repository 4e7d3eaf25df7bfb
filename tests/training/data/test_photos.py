"""Folders of class sub-folders, good and bad; and the real photos, where they are at hand (PLUMBLINE_DATA)."""

import io
import os
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from training.data.features import prepare
from training.data.photos import cats_and_dogs, read_classes
from training.errors import BadRequest
from training.tasks.image import TASK

DATA = Path(os.environ["PLUMBLINE_DATA"]) if "PLUMBLINE_DATA" in os.environ else None
NAMES = ("a.jpg", "b.JPEG", "c.png", "d.webp", "e.Bmp", "f.gif")
RED = (200, 30, 30)


def encoded(format, size=(20, 30)):
    buffer = io.BytesIO()
    Image.effect_noise(size, 90).convert("RGB").save(buffer, format)
    return buffer.getvalue()


def save(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (20, 30), RED).save(path)


@pytest.fixture
def folder(tmp_path):
    """A local copy of data sets, with one photo of each format in each class."""
    for part in ("train", "validation"):
        for label in ("cat", "dog"):
            for name in NAMES:
                save(tmp_path / "cats_and_dogs" / part / label / name)
    return tmp_path


def test_every_format_is_read_in_any_case_and_gives_its_colour(folder):
    data = cats_and_dogs(folder)

    assert data.labels == ("cat", "dog")
    assert data.notes == ()
    assert (len(data.train.targets), len(data.test.targets)) == (2 * (6 + 3), 2 * 3)
    resizer = TASK.fit(data, data.train.instances, TASK.recipes["baseline"])
    pixels = prepare(resizer, data.train.instances)["image"]
    assert np.abs(pixels.astype(int) - RED).max() <= 6


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("text.jpg", b"no photo at all", "15 bytes that start with b'no photo'"),
        ("empty.png", b"", "got nothing"),
        ("half.jpg", encoded("JPEG")[:300], "expected a whole picture"),
        ("half.webp", encoded("WEBP")[:300], "expected a whole picture"),
        ("half.bmp", encoded("BMP")[:300], "expected a complete BMP, got 300 bytes"),
        ("photo.tiff", encoded("TIFF"), "expected a name that ends in .jpg, .jpeg"),
        ("tiff.jpg", encoded("TIFF"), "expected a whole picture in one of the formats JPEG"),
        ("notes.txt", b"mine", "expected a name that ends in"),
    ],
)
def test_a_bad_file_is_skipped_and_listed_with_its_reason(folder, name, content, reason):
    bad = folder / "cats_and_dogs" / "train" / "dog" / name
    bad.write_bytes(content)
    data = cats_and_dogs(folder)

    (skipped,) = data.notes
    assert skipped.startswith(f"skipped {bad}: ")
    assert reason in skipped
    assert np.bincount(data.train.targets).tolist() == [9, 9]


def test_what_is_not_a_readable_file_is_skipped_and_listed(folder):
    cats = folder / "cats_and_dogs" / "validation" / "cat"
    (cats / "folder.jpg").mkdir()
    (cats / "gone.jpg").symlink_to(folder / "nowhere.jpg")
    os.mkfifo(cats / "pipe.jpg")  # reading it would never end
    (cats / "huge.jpg").touch()
    os.truncate(cats / "huge.jpg", 50_000_001)  # sparse: takes no room

    skipped = cats_and_dogs(folder).notes
    assert [line.removeprefix(f"skipped {cats}/") for line in skipped] == [
        "folder.jpg: expected a file",
        "gone.jpg: No such file or directory",
        "huge.jpg: expected at most 50,000,000 bytes, got 50,000,001",
        "pipe.jpg: expected a file",
    ]


def test_hidden_files_and_folders_are_ignored(folder):
    save(folder / "cats_and_dogs" / "train" / ".cache" / "a.jpg")
    (folder / "cats_and_dogs" / "train" / "cat" / ".DS_Store").touch()

    assert cats_and_dogs(folder).notes == ()


def test_a_class_without_a_readable_photo_is_an_error_that_names_the_first_bad_file(folder):
    dogs = folder / "cats_and_dogs" / "train" / "dog"
    shutil.rmtree(dogs)
    dogs.mkdir()
    with pytest.raises(BadRequest, match=r"dog: found no readable photo of this class$"):
        cats_and_dogs(folder)

    (dogs / "a.jpg").touch()
    with pytest.raises(BadRequest, match=r"this class; skipped 1, first .*a\.jpg: expected a whole picture"):
        cats_and_dogs(folder)


def test_a_turned_photo_with_an_odd_exif_tag_is_kept(folder):
    table = [(0x010F, 1, b"\7\0\0\0"), (0x0112, 3, b"\6\0\0\0")]  # the maker is a number
    entries = b"".join(struct.pack("<HHI", tag, kind, 1) + value for tag, kind, value in table)
    odd = b"Exif\0\0II*\0" + struct.pack("<IH", 8, 2) + entries + bytes(4)
    Image.new("RGB", (20, 30), RED).save(folder / "cats_and_dogs" / "train" / "cat" / "odd.jpg", exif=odd)

    data = cats_and_dogs(folder)
    assert data.notes == ()
    assert np.bincount(data.train.targets).tolist() == [10, 9]


@pytest.mark.parametrize("labels", [(), ("cat",)], ids=["none", "one"])
def test_fewer_than_two_classes_are_an_error(tmp_path, labels):
    for label in labels:
        save(tmp_path / label / "a.jpg")

    with pytest.raises(BadRequest, match=f"at least two classes, found {', '.join(labels) or 'none'}"):
        read_classes(tmp_path)


def test_more_classes_are_read_but_the_task_tells_only_two_apart(folder):
    for part in ("train", "validation"):
        save(folder / "cats_and_dogs" / part / "bird" / "a.png")

    assert list(read_classes(folder / "cats_and_dogs" / "train").classes) == ["bird", "cat", "dog"]
    with pytest.raises(BadRequest, match="expected the same two classes in both parts, found bird, cat, dog in train"):
        cats_and_dogs(folder)


def test_a_missing_part_and_too_few_photos_for_the_test_are_errors(folder):
    held = folder / "cats_and_dogs" / "validation"
    for name in NAMES[1:]:
        (held / "cat" / name).unlink()
    with pytest.raises(BadRequest, match="cat: expected at least two readable photos, found one"):
        cats_and_dogs(folder)

    shutil.rmtree(held)
    with pytest.raises(BadRequest, match="validation: expected a folder with a sub-folder of photos for each class"):
        cats_and_dogs(folder)


@pytest.mark.skipif(not (DATA and (DATA / "cats_and_dogs").is_dir()), reason="no photos: set PLUMBLINE_DATA")
def test_no_real_photo_is_both_in_training_and_in_the_test():
    data = cats_and_dogs(DATA)

    assert data.labels == ("cat", "dog")
    assert data.notes == ()
    assert (len(data.train.targets), len(data.test.targets)) == (2500, 500)
    assert np.bincount(data.test.targets).tolist() == [250, 250]
    training = {instance["image"] for instance in data.train.instances}
    assert not any(instance["image"] in training for instance in data.test.instances)
