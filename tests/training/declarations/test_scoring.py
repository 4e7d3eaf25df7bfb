"""`score` reads the file that a model was trained on as training did, and files of other writers as before."""

import csv
import json
import random
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from serving.commands.main import main
from serving.registry import live_version
from tests.training.declarations.tables import run_new, write
from training.declarations.task import declared_task

FAST = ["--protocol", "holdout", "--set", "epochs=3", "--no-compare"]


def odd(rows: int) -> str:
    """A file as a German spreadsheet writes it: decimal commas, k.A. for a gap, days first, tags between pipes."""
    rng = random.Random(1)
    lines = ["größe;stück;farbe;tag;marken;bemerkung;zurück"]
    for row in range(rows):
        back = rng.random() < 0.5
        lines.append(
            ";".join(
                [
                    "k.A." if row % 17 == 3 else f"{rng.gauss(10 if back else 5, 2):.2f}".replace(".", ","),
                    "-" if row % 19 == 4 else str(rng.randrange(1, 40)),
                    " NA " if row % 23 == 5 else rng.choice(["grün", "weiß", "rot"]),
                    f"{row % 28 + 1:02}.{row % 12 + 1:02}.2026",
                    "|".join(rng.sample(["neu", "schön", "alt"], 2)) if row % 5 else "alt",
                    "  "
                    if row % 29 == 6
                    else f"die {row}. Größe paßt {'gar nicht' if back else 'wirklich gut'} zu mir",
                    "ja" if back else "nein",
                ]
            )
        )
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("odd")
    data = write(folder, "odd.csv", odd(240), "latin-1")
    told = run_new(data, "--target", "zurück", "--output", folder / "odd.toml").output
    assert 'separator semicolon, decimal comma, cp1252, gaps "", "NA", "-", "k.A."' in told
    folders = ["--models-dir", str(folder / "models"), "--reports-dir", str(folder / "reports")]
    done = CliRunner().invoke(main, ["train", str(folder / "odd.toml"), *folders, *FAST])
    assert done.exit_code == 0, done.output
    return folder


def score(folder: Path, name: str, *options: str) -> Result:
    output = ["--output", str(folder / f"{name}.scored.jsonl"), "--restart"]
    served = ["--model", "odd", "--in-process", "--models-dir", str(folder / "models")]
    return CliRunner().invoke(main, ["score", str(folder / name), *served, *output, *options])


def answers(folder: Path, name: str) -> list[dict]:
    lines = (folder / f"{name}.scored.jsonl").read_text("utf-8").splitlines()
    return [{key: value for key, value in json.loads(line).items() if key in ("label", "scores")} for line in lines]


def test_the_file_of_training_has_the_answers_that_training_computed(trained: Path) -> None:
    done = score(trained, "odd.csv")
    assert done.exit_code == 0, done.output
    assert "240 scored, 0 rejected" in done.output
    assert "read as    trained: separator semicolon, decimal comma, cp1252, gaps" in done.output
    assert answers(trained, "odd.csv") == computed(trained)


def test_other_writers_of_the_same_rows_have_the_same_answers(trained: Path) -> None:
    rows = instances(trained)
    write(trained, "rows.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    with (trained / "plain.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows({**row, "marken": json.dumps(row["marken"])} for row in rows)
    write(trained, "utf8.csv", odd(240))
    write(trained, "utf16.csv", odd(240), "utf-16")

    for name, options in (
        ("rows.jsonl", []),
        ("plain.csv", []),
        ("utf8.csv", []),
        ("utf16.csv", ["--encoding=utf-16"]),
    ):
        done = score(trained, name, *options)
        assert done.exit_code == 0, done.output
        assert "240 scored, 0 rejected" in done.output
        assert answers(trained, name) == computed(trained)


def test_options_override_what_the_contract_says(trained: Path) -> None:
    write(trained, "points.csv", odd(240).replace(",", "."), "cp1252")

    assert ": 240 scored" not in score(trained, "points.csv").output
    done = score(trained, "points.csv", "--decimal", "point")
    assert "240 scored, 0 rejected" in done.output
    assert "; but decimal point" in done.output
    assert answers(trained, "points.csv") == computed(trained)


def test_drift_reads_the_file_as_training_did(trained: Path) -> None:
    saved = str(trained / "models" / "odd" / "1")
    done = CliRunner().invoke(main, ["drift", str(trained / "odd.csv"), "--model", "odd", "--saved-model", saved])

    assert "odd: 240 rows of" in done.output
    assert "read as trained: separator semicolon" in done.output
    assert "left out" not in done.output


def instances(folder: Path) -> list[dict]:
    """Return the rows in the order of the file, as training had them."""
    _, task = declared_task(folder / "odd.toml")
    data = task.load(None)
    known = {row["bemerkung"]: row for part in (data.train, data.test) for row in part.instances}
    rows = [row for part in (data.train, data.test) for row in part.instances]
    assert len(rows) == 240
    notes = [line.split(";")[5] for line in odd(240).splitlines()[1:]]
    blank = iter(sorted((row for row in rows if row["bemerkung"] is None), key=lambda row: order(row, notes)))
    return [known[note] if note.strip() else next(blank) for note in notes]


def order(row: dict, notes: list[str]) -> int:
    """Return the place of a row without a remark, by its day: there are few."""
    days = [f"2026-{place % 12 + 1:02}-{place % 28 + 1:02}" for place in range(len(notes))]
    return next(place for place, day in enumerate(days) if day == row["tag"] and not notes[place].strip())


def computed(folder: Path) -> list[dict]:
    """Return the answers to the rows as training read them, by the published model."""
    version = live_version(folder / "models", "odd")
    assert version is not None
    assert version.contract is not None
    write(folder, "computed.jsonl", "".join(json.dumps(row) + "\n" for row in instances(folder)))
    done = score(folder, "computed.jsonl")
    assert done.exit_code == 0, done.output
    return answers(folder, "computed.jsonl")
