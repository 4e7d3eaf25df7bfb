"""What is read of folders and archives of images, and what is passed over."""

import os
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from serving.batch.errors import BadInput
from serving.batch.inputs.folders import IMAGE_SUFFIXES
from serving.batch.jobs.parts import restart
from serving.batch.jobs.plan import Shard
from serving.batch.jobs.scoring_job import merge_shards
from serving.contract.encoders.pixels import FORMATS
from tests.serving.batch.conftest import Command, done, read_jsonl
from tests.serving.contracts import image_contract, png, text_contract

HIDDEN = (
    *(".ipynb_checkpoints/a-checkpoint.png", "__MACOSX/._a.png", "__MACOSX/a.png", ".thumbnails/x/b.png"),
    *("sub/.cache/c.png", "sub/.hidden.jpg", "._a.png", ".DS_Store"),
)


@pytest.fixture
def photos(tmp_path: Path) -> dict[str, Path]:
    """The same files in a folder, a zip and a tar: three images, three others, and the hidden ones."""
    files: dict[str, bytes] = {name: png(3) for name in ("a.png", "b.JPG", "sub/c.jfif", *HIDDEN)}
    files |= dict.fromkeys(("notes.txt", "more.txt", "sub/README"), b"")
    folder = tmp_path / "photos"
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as zipped, tarfile.open(tmp_path / "photos.tar", "w") as tar:
        for name, data in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)
            zipped.write(folder / name, name)
            tar.add(folder / name, f"./{name}")
    return {
        kind: tmp_path / name for kind, name in (("folder", "photos"), ("zip", "photos.zip"), ("tar", "photos.tar"))
    }


@pytest.mark.parametrize("kind", ["folder", "zip", "tar"])
def test_hidden_files_are_no_pictures_and_what_is_passed_over_is_counted(
    tmp_path: Path, photos: dict[str, Path], kind: str
) -> None:
    summary = done(tmp_path, image_contract(), [photos[kind]], "out.jsonl")
    names = [row["row_id"].rpartition(f"{photos[kind].name}/")[2].removeprefix("./") for row in read_jsonl_of(tmp_path)]
    assert names == ["a.png", "b.JPG", "sub/c.jfif"]
    assert summary["passed_over"] == {"hidden": len(HIDDEN), ".txt": 2, "without a suffix": 1}


def read_jsonl_of(folder: Path) -> list[dict[str, Any]]:
    return read_jsonl(folder / "out.jsonl")


def test_pipes_in_a_folder_are_passed_over(tmp_path: Path) -> None:
    pictures, rows = tmp_path / "pictures", tmp_path / "rows"
    for folder, name in ((pictures, "a.png"), (rows, "a.csv")):
        folder.mkdir()
        os.mkfifo(folder / f"b{name[1:]}")
        os.mkfifo(folder / "without")
        (folder / name).write_bytes(png(3) if folder is pictures else b"text\ngood\n")
    summary = done(tmp_path, image_contract(), [pictures], "pictures.jsonl")
    assert (summary["rows"], summary["passed_over"]) == (1, {"special": 2})
    summary = done(tmp_path, text_contract(), [rows / "*.csv"], "rows.jsonl")
    assert (summary["rows"], summary["passed_over"]) == (1, {"special": 1})
    with pytest.raises(BadInput, match=r"found 2 special, 1 \.csv;"):
        done(tmp_path, text_contract(), [rows], "rows.jsonl")


@pytest.mark.parametrize("ending", ["jsonl", "csv", "parquet"])
def test_names_that_are_not_utf_8_are_written_out(tmp_path: Path, ending: str) -> None:
    folder = tmp_path / os.fsdecode(b"photos\xff")
    folder.mkdir()
    (folder / os.fsdecode(b"a\xe9.png")).write_bytes(png(3))
    (folder / os.fsdecode(b"none.\xfe")).touch()
    (tmp_path / os.fsdecode(b"b\xff.csv")).write_bytes(b"text\ngood\n")
    with tarfile.open(tmp_path / "photos.tar", "w") as tar:
        tar.add(folder, folder.name)
    for source in (folder, tmp_path / "photos.tar", tmp_path / os.fsdecode(b"b\xff.csv")):
        contract = text_contract() if source.name.endswith("csv") else image_contract()
        summary = done(tmp_path, contract, [source], f"out.{ending}")
        assert summary["rows"] == 1
        assert summary.get("passed_over", {}) == ({} if contract.model == "sentiment" else {r".\xfe": 1})
        assert rb"\xff" in (tmp_path / f"out.{ending}").read_bytes()
        restart(str(tmp_path / f"out.{ending}"))


def test_who_names_a_hidden_folder_means_it(tmp_path: Path) -> None:
    (tmp_path / ".cache" / "x").mkdir(parents=True)
    (tmp_path / ".cache" / "x" / "a.png").write_bytes(png(3))
    assert done(tmp_path, image_contract(), [tmp_path / ".cache"], "out.jsonl")["rows"] == 1


def test_the_summary_tells_what_was_passed_over(command: Command, photos: dict[str, Path]) -> None:
    command.server.publish(image_contract("image"))
    told = f"  files      {len(HIDDEN) + 3} passed over: {len(HIDDEN)} hidden, 2 .txt, 1 without a suffix\n"
    assert told in command("photos", "--output", "out.jsonl", "--dry-run", model="image").stdout
    for _ in range(2):
        assert told in command("photos", "photos.zip", "--output", "out.jsonl", model="image").stdout.replace(
            f"{2 * len(HIDDEN) + 6} passed over: {2 * len(HIDDEN)} hidden, 4 .txt, 2 without",
            f"{len(HIDDEN) + 3} passed over: {len(HIDDEN)} hidden, 2 .txt, 1 without",
        )


def test_an_output_in_the_folder_is_not_counted_when_the_run_goes_on(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png(3))
    (tmp_path / "b.txt").touch()
    for attempt in range(2):
        summary = done(tmp_path, image_contract(), [tmp_path], "out.jsonl")
        assert (summary["passed_over"], summary.get("finished_before", False)) == ({".txt": 1}, bool(attempt))


def test_shards_and_their_merge_tell_it_too(tmp_path: Path, photos: dict[str, Path]) -> None:
    for index in (0, 1):
        done(tmp_path, image_contract(), [photos["tar"]], "out.jsonl", shard=Shard(index, 2), part_rows=1)
    assert merge_shards(str(tmp_path / "out.jsonl"), None)["passed_over"]["hidden"] == len(HIDDEN)


def test_links_in_an_archive_are_counted(tmp_path: Path, photos: dict[str, Path]) -> None:
    with tarfile.open(photos["tar"], "a") as tar:
        link = tarfile.TarInfo("again.png")
        link.type, link.linkname = tarfile.LNKTYPE, "./a.png"
        tar.addfile(link)
    assert done(tmp_path, image_contract(), [photos["tar"]], "out.jsonl")["passed_over"]["link"] == 1


@pytest.mark.parametrize("suffix", IMAGE_SUFFIXES)
def test_each_suffix_is_one_of_a_format_that_the_contract_decodes(tmp_path: Path, suffix: str) -> None:
    Image.init()
    known = {".jif": "JPEG", ".jfi": "JPEG", ".pjpeg": "JPEG", ".pjp": "JPEG", **Image.registered_extensions()}
    format = known[suffix]
    (tmp_path / "photos").mkdir()
    pictures = [Image.new("RGB", (9, 9), shade) for shade in ("red", "blue")]
    more = {"save_all": True, "append_images": pictures[1:]} if format == "MPO" else {}
    pictures[0].save(tmp_path / "photos" / f"a{suffix.upper()}", format, **more)
    assert format in (*FORMATS, "MPO")  # which is JPEG, and further pictures behind it
    assert done(tmp_path, image_contract(), [tmp_path / "photos"], "out.jsonl")["rows"] == 1


@pytest.mark.parametrize("kind", ["folder", "zip", "tar"])
def test_that_there_is_no_picture_is_said(tmp_path: Path, kind: str) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.heic").touch()
    source = tmp_path / "in"
    if kind == "zip":
        source = tmp_path / "in.zip"
        with zipfile.ZipFile(source, "w") as zipped:
            zipped.write(tmp_path / "in" / "a.heic")
    if kind == "tar":
        source = tmp_path / "in.tar"
        with tarfile.open(source, "w") as tar:
            tar.add(tmp_path / "in" / "a.heic")
    with pytest.raises(BadInput, match=r"expected an? (folder|archive) of images .*, found 1 \.heic"):
        done(tmp_path, image_contract(), [source], "out.jsonl")
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInput, match=r"expected a folder of images .*, found none"):
        done(tmp_path, image_contract(), [tmp_path / "empty"], "empty.jsonl")
