"""The jobs of docs/your-model.md, command by command, as they are written there."""

import csv
import re
import shlex
from pathlib import Path
from typing import get_type_hints

import numpy as np
import pytest
from click.testing import CliRunner
from palmerpenguins import load_penguins
from PIL import Image

from serving.commands.main import main
from training.declarations import declaration

PAGE = (Path(__file__).parents[3] / "docs" / "your-model.md").read_text("utf-8")


def jobs(section: str) -> list[tuple[str, str]]:
    """Return the commands of a section, each with the output that is shown."""
    (text,) = re.findall(rf"^## {section}\n(.*?)(?=^## |\Z)", PAGE, re.M | re.S)
    return re.findall(r"^\$ (.*)\n((?:(?!\$ |```).*\n)*)", text, re.M)


def run(command: str, *options: str) -> str:
    program, *words = shlex.split(command)
    assert program == "plumbline"
    done = CliRunner().invoke(main, [*words, *options])
    assert done.exit_code == 0, done.output
    return done.output


def test_a_table(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    load_penguins().to_csv("penguins.csv", index=False, na_rep="NA")
    (new, shown), (train, _), (score, _) = jobs("A table")

    assert run(new) == shown
    run(train, "--set", "epochs=20", "--protocol", "holdout")
    run(score)
    with Path("answers.csv").open(encoding="utf-8", newline="") as file:
        answers = [row["label"] for row in csv.DictReader(file)]
    assert len(answers) == 344
    assert np.mean(answers == load_penguins()["species"]) > 0.9


def test_photos(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(1)
    for place, label in enumerate(("ant", "bee", "crab")):
        Path("zoo", label).mkdir(parents=True)
        for number in range(16):
            pixels = rng.integers(0, 60, (24, 24, 3), np.uint8)
            pixels[..., place] += 150
            Image.fromarray(pixels).save(Path("zoo", label, f"{number}.png"))
    (new, _), (train, _) = jobs("Photos")

    assert "48 photos of 3 classes: ant 16, bee 16, crab 16" in run(new)
    (shown,) = re.findall(r"```toml\n(\[fields\.image\].*?)```", PAGE, re.S)
    text = Path("zoo.toml").read_text("utf-8")
    head, rest = text[: text.index("[fields.image]")], text[text.index("[split]") : text.index("[recipe]")]
    Path("zoo.toml").write_text(head + rest + shown, "utf-8")
    run(train)
    assert Path("models/zoo/1").is_dir()


@pytest.mark.parametrize("table", ["data", "target", "split", "protocol", "gate"])
def test_each_key_of_the_page_is_one_that_is_read(table):
    part = {name.lower().removesuffix("part"): of for name, of in vars(declaration).items() if name.endswith("Part")}
    hints = get_type_hints(part[table])
    (row,) = re.findall(rf"^\| `\[{table}\]` \| (.*) \|$", PAGE, re.M)
    assert set(hints) <= set(re.findall(r"`(\w+)`", row))
