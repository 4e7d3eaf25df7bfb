"""Pictures whose names stand in a table, beside numbers."""

import base64
import json
import random
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image

from serving.commands.main import main
from tests.training.declarations.tables import run_new, write
from training.data.photos import SUFFIXES
from training.declarations.picture_columns import NAME
from training.declarations.task import declared_task
from training.errors import BadRequest


def cars(folder: Path, rows: int) -> Path:
    """A table of cars: the price is a number times their size, and more for a red one."""
    rng = random.Random(1)
    (folder / "photos").mkdir()
    lines = []
    for row in range(rows):
        red, size = rng.random() < 0.5, rng.uniform(1, 3)
        Image.new("RGB", (30, 20), (200 if red else 20, rng.randrange(60), 60)).save(folder / "photos" / f"{row}.png")
        lines.append(f"photos/{row}.png,{size:.2f},{1000 * size + (3000 if red else 0):.0f}")
    return write(folder, "cars.csv", "photo,size,price\n" + "\n".join(lines))


def test_pictures_and_numbers_train_together(tmp_path: Path) -> None:
    done = run_new(cars(tmp_path, 120), "--output", tmp_path / "cars.toml")
    assert '"photo": image; files of pictures, such as "photos/0.png"' in done.output
    text = (tmp_path / "cars.toml").read_text("utf-8").replace("= 64", "= 16")
    (tmp_path / "cars.toml").write_text(text, "utf-8")
    folders = ["--models-dir", str(tmp_path / "models"), "--reports-dir", str(tmp_path / "reports")]
    quick = ["--protocol", "holdout", "--set", "epochs=25", "--no-compare"]
    done = CliRunner().invoke(main, ["train", str(tmp_path / "cars.toml"), *folders, *quick])
    assert done.exit_code == 0, done.output

    photo = base64.b64encode((tmp_path / "photos" / "0.png").read_bytes()).decode()
    write(tmp_path, "asked.jsonl", json.dumps({"photo": photo, "size": 2.0}) + "\n")
    served = ["--model", "cars", "--in-process", "--models-dir", str(tmp_path / "models")]
    output = ["--output", str(tmp_path / "answers.jsonl")]
    scored = CliRunner().invoke(main, ["score", str(tmp_path / "asked.jsonl"), *served, *output])
    assert "1 scored, 0 rejected" in scored.output


def test_files_that_are_no_pictures_or_elsewhere_are_named_and_left_out(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    data = cars(tmp_path / "own", 40)
    Image.new("RGB", (4, 4)).save(tmp_path / "other.png")
    (tmp_path / "own" / "bad.png").write_bytes(b"no picture")
    (tmp_path / "own" / "link.png").symlink_to(tmp_path / "other.png")
    odd = ["../other.png", str(tmp_path / "other.png"), "link.png", "none.png", "bad.png", "", "photos", "a\0.png"]
    data.write_text(data.read_text() + "".join(f"\n{name},1,5" for name in odd))
    fields = "".join(f"[fields.{name}]\n{more}" for name, more in (("photo", PICTURE), ("size", 'kind = "number"\n')))
    text = f'[data]\nfile = "cars.csv"\n[target]\ncolumn = "price"\n{fields}'
    task = declared_task(write(tmp_path / "own", "cars.toml", text))[1]
    notes = task.load(None).notes

    assert "cars.csv: 48 rows: 32 to train, 8 to test; 8 left out, which have no target or picture" in notes
    assert "rows without a picture photo, left out: 7 bad, 1 gaps" in notes
    assert sum("expected a file in the folder of the table, or below it" in note for note in notes) == 3
    assert any('row 44, column "photo": "none.png": expected a file, found none' in note for note in notes)
    assert any('"bad.png": ' in note for note in notes)


def test_a_table_without_any_picture_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "t.csv", "photo,y\n" + "".join(f"{row}.png,{row}\n" for row in range(30)))
    text = f'[data]\nfile = "t.csv"\n[target]\ncolumn = "y"\nproblem = "regression"\n[fields.photo]\n{PICTURE}'
    with pytest.raises(BadRequest, match=r"expected rows with a picture, found none: t\.csv, row 1"):
        declared_task(write(tmp_path, "t.toml", text))


def test_the_names_are_those_of_photos_in_folders() -> None:
    assert all(NAME.fullmatch(f"a{suffix}") for suffix in SUFFIXES)


PICTURE = 'kind = "image"\nheight = 8\nwidth = 8\n'


def test_one_cell_that_names_no_picture_does_not_hide_the_others(tmp_path: Path) -> None:
    data = cars(tmp_path, 40)
    data.write_text(data.read_text() + "\nto follow,1,5")
    done = run_new(data, "--output", tmp_path / "cars.toml")
    assert '"photo": image; files of pictures' in done.output

    task = declared_task(tmp_path / "cars.toml")[1]
    assert any('"to follow": expected a file, found none' in note for note in task.load(None).notes)
