"""Windows of a series: which rows they have, that the test is unknown to training, and what is told of the order."""

import json
import random
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from serving.commands.main import main
from serving.registry import live_version
from tests.training.declarations.tables import run_new, write
from training.declarations.task import declared_task
from training.errors import BadRequest
from training.task import Task


def days(count: int, first: date = date(2026, 1, 1)) -> list[str]:
    return [(first + timedelta(number)).isoformat() for number in range(count)]


def declared(folder: Path, csv: str, data: str, rest: str = "", problem: str = "regression") -> Task:
    """Return the task of a series `y`; a window of it is the field `y`, unless *rest* has other fields."""
    write(folder, "s.csv", csv)
    rest = rest if rest.startswith("[fields") else f'[fields.y]\nkind = "array"\n{rest}'
    text = f'[data]\nfile = "s.csv"\n{data}\n[target]\ncolumn = "y"\nproblem = "{problem}"\n{rest}\n'
    return declared_task(write(folder, "s.toml", text))[1]


def windows(part) -> list[tuple[list[float], float]]:
    return [(row["y"], float(target)) for row, target in zip(part.instances, part.targets, strict=True)]


def counting(rows: int) -> str:
    return "day,y\n" + "".join(f"{day},{number}\n" for number, day in enumerate(days(rows)))


@pytest.mark.parametrize("horizon", [1, 3])
def test_each_window_answers_the_value_so_many_rows_later(tmp_path: Path, horizon: int) -> None:
    data = declared(tmp_path, counting(40), f'window = 4\nhorizon = {horizon}\norder = "day"').load(None)

    assert windows(data.train)[0] == ([0, 1, 2, 3], 3 + horizon)
    assert windows(data.test)[-1] == ([36 - horizon, 37 - horizon, 38 - horizon, 39 - horizon], 39)
    assert len(data.train) + len(data.test) == 40 - 4 - horizon + 1
    assert len(data.test) == round((40 - 4 - horizon + 1) * 0.2)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("order", ["day", ""])
def test_training_knows_nothing_of_the_span_of_the_test(tmp_path: Path, seed: int, order: str) -> None:
    rng = random.Random(seed)
    rows = []
    for shop in "abc":
        whole = enumerate(days(rng.randrange(30, 60), date(2026, 1, rng.randrange(1, 20))))
        rows += [(shop, day, 1000 * "abc".index(shop) + place) for place, day in whole if rng.random() < 0.9]
    if order:
        rng.shuffle(rows)
    when = {value: day for _, day, value in rows}
    csv = "shop,day,y\n" + "".join(f"{shop},{day},{value}\n" for shop, day, value in rows)
    more = f'window = {rng.randrange(1, 6)}\nhorizon = {rng.randrange(1, 4)}\ngroup = "shop"'
    data = declared(tmp_path, csv, more + (f'\norder = "{order}"' if order else "")).load(None)

    for window, target in windows(data.train) + windows(data.test):
        assert {value // 1000 for value in window} == {target // 1000}
        assert [*window, target] == sorted([*window, target])
    seen, asked = windows(data.train), windows(data.test)
    if order:
        first = min(when[int(target)] for _, target in asked)
        assert all(when[int(value)] < first for window, target in seen for value in (*window, target))
    for shop in range(3):
        own = [target for _, target in asked if target // 1000 == shop]
        known = [value for window, target in seen if target // 1000 == shop for value in (*window, target)]
        assert not own or not known or max(known) < min(own)


def test_a_gap_in_a_window_stays_and_one_to_answer_is_left_out(tmp_path: Path) -> None:
    data = declared(tmp_path, counting(30).replace(",10\n", ",\n"), 'window = 3\norder = "day"').load(None)

    rows = windows(data.train)
    assert ([8, 9, None], 11) in rows
    assert all(target != 10 for _, target in rows)
    assert "left out: 1 windows without the value to answer, 0 without any value" in data.notes
    assert "windows with gaps: y 3" in data.notes


def test_rows_out_of_order_repeats_and_uneven_steps_are_told(tmp_path: Path) -> None:
    lines = counting(40).splitlines()
    lines[5], lines[9] = lines[9], lines[5]
    del lines[20]
    lines.append("2026-01-03,77")
    data = declared(tmp_path, "\n".join(lines), 'window = 3\norder = "day"').load(None)

    notes = "\n".join(data.notes)
    assert 'rows out of order: 3; sorted by "day"' in notes
    assert 'rows that repeat a time of "day": 1; only the last of each counts' in notes
    assert "1 of 38 are not 1 days, but 1 days to 2 days" in notes
    assert windows(data.train)[0] == ([0, 1, 77], 3)


def test_months_are_even_steps(tmp_path: Path) -> None:
    months = [f"{2000 + number // 12}-{number % 12 + 1:02}-01,{number}" for number in range(60)]
    data = declared(tmp_path, "day,y\n" + "\n".join(months), 'window = 12\norder = "day"').load(None)

    assert not any("steps" in note for note in data.notes)


def test_several_columns_are_windows_and_another_kind_is_that_of_the_last_row(tmp_path: Path) -> None:
    lines = [f"{day},{number},{number * 10},{'ab'[number % 2]}" for number, day in enumerate(days(40))]
    fields = "\n".join(f'[fields.{name}]\nkind = "{kind}"' for name, kind in (("x", "array"), ("k", "category")))
    data = declared(tmp_path, "day,y,x,k\n" + "\n".join(lines), 'window = 3\norder = "day"', fields).load(None)

    assert data.train.instances[0] == {"x": [0, 10, 20], "k": "a"}
    assert data.train.targets[0] == 3


def test_the_naive_baseline_is_the_last_value_that_was_known(tmp_path: Path) -> None:
    task = declared(tmp_path, counting(41).replace(",36\n", ",\n"), 'window = 4\nhorizon = 2\norder = "day"')
    data = task.load(None)
    ((name, scores),) = task.naive(data).items()

    assert name == "last value"
    expected = [35 if target == 38 else target - 2 for target in data.test.targets.tolist()]
    assert 38 in data.test.targets
    assert scores[:, 0].tolist() == expected


def test_the_last_class_is_the_baseline_of_classes(tmp_path: Path) -> None:
    csv = "x,y\n" + "".join(f"{number},{'abc'[number // 2 % 3]}\n" for number in range(60))
    task = declared(tmp_path, csv, "window = 5", '[fields.x]\nkind = "array"', "multiclass")
    rows = task.load(None).test
    (scores,) = task.naive(task.load(None)).values()

    assert scores.shape == (len(rows), 3)
    assert scores.argmax(axis=1).tolist() == [int(row["x"][-1]) // 2 % 3 for row in rows.instances]


@pytest.mark.parametrize(
    ("data", "rest", "problem"),
    [
        ("window = 0\nhorizon = 2", "", "is for a table with a window"),
        ("window = -3", "", "[data] window: expected 1 to 10,000 rows, got -3"),
        ("window = 3\nhorizon = 0", "", "[data] horizon: expected 1 to 10,000 rows, got 0"),
        ("window = 100", "", "no series has 101 rows or more"),
        ('window = 3\norder = "dya"', "", 'has no column "dya"'),
        ('window = 3\norder = "name"', "", "expected dates or numbers to split by time, got texts"),
        ("window = 3", '[split]\nby = "group"\ncolumn = "name"', "windows are split by time"),
        ("window = 3", '[protocol]\nname = "kfold"', "they are validated in the order of time"),
        ("window = 3", '[fields.name]\nkind = "array"', "a window needs a column of numbers, got texts"),
        ("window = 3", '[fields.name]\nkind = "category"', 'expected a field of kind = "array"'),
    ],
)
def test_what_makes_no_windows_is_refused_with_its_place(tmp_path: Path, data: str, rest: str, problem: str) -> None:
    csv = "name,day,y\n" + "".join(f"{'ab'[n % 2]}x,{day},{n}\n" for n, day in enumerate(days(30)))
    with pytest.raises(BadRequest) as refused:
        declared(tmp_path, csv, data, rest)

    assert problem in str(refused.value)


def test_new_guesses_order_and_series(tmp_path: Path) -> None:
    rng = random.Random(1)
    lines = [f"{shop},{day},{rng.random():.3f},{rng.random():.3f}" for shop in ("north", "south") for day in days(50)]
    data = write(tmp_path, "sales.csv", "shop,day,price,sold\n" + "\n".join(lines))
    done = run_new(data, "--window", "7", "--horizon", "2", "--output", tmp_path / "sales.toml")

    assert done.exit_code == 0, done.output
    assert 'windows of 7 rows, in the order of "day" (a guess' in done.output
    assert '2 series, by "shop" (a guess' in done.output
    text = (tmp_path / "sales.toml").read_text("utf-8")
    assert "window = 7\n" in text
    assert 'order = "day"' in text
    assert 'group = "shop"' in text
    _, task = declared_task(tmp_path / "sales.toml")
    assert {name: len(value) for name, value in task.load(None).train.instances[0].items()} == {"price": 7, "sold": 7}


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--horizon", "2"], "--horizon needs --window"),
        (["--window", "0"], "--window: expected 1 to 10,000 rows, got 0"),
        (["--window", "3", "--order", "dya"], 'has no column "dya"'),
        (["--window", "3", "--group", "y", "--order", "name"], "expected dates or numbers"),
    ],
)
def test_options_of_new_that_fit_nothing_are_refused(tmp_path: Path, options: list[str], problem: str) -> None:
    data = write(tmp_path, "s.csv", "name,y\n" + "".join(f"n{n},{n * 7 % 13}\n" for n in range(30)))
    done = run_new(data, *options, "--output", tmp_path / "s.toml")

    assert done.exit_code == 2
    assert problem in done.output


def test_a_series_is_trained_beats_the_last_value_and_answers_a_list(tmp_path: Path) -> None:
    values = [50 + number / 10 + 8 * np.sin(number / 4) for number in range(260)]
    lines = [f"{day};{value:.3f}".replace(".", ",") for day, value in zip(days(260), values, strict=True)]
    data = write(tmp_path, "wave.csv", "day;y\n" + "\n".join(lines))
    assert run_new(data, "--target", "y", "--window", "12", "--output", tmp_path / "wave.toml").exit_code == 0
    folders = ["--models-dir", str(tmp_path / "models"), "--reports-dir", str(tmp_path / "reports")]
    quick = ["--set", "epochs=60", "--set", "rate=0.01", "--no-compare"]
    done = CliRunner().invoke(main, ["train", str(tmp_path / "wave.toml"), *folders, *quick])

    assert done.exit_code == 0, done.output
    assert "the naive baseline is the last value" in done.output
    version = live_version(tmp_path / "models", "wave")
    assert version is not None
    assert version.contract is not None
    assert version.contract.evaluation["baseline"]["name"] == "last value"
    assert version.contract.evaluation["test"]["mae"] < version.contract.evaluation["baseline"]["mae"]
    (report,) = (tmp_path / "reports").glob("wave/*/report.html")
    assert "last value" in report.read_text("utf-8")

    write(tmp_path, "asked.jsonl", json.dumps({"y": [round(value, 3) for value in values[-12:]]}) + "\n")
    served = ["--model", "wave", "--in-process", "--models-dir", str(tmp_path / "models")]
    output = ["--output", str(tmp_path / "answers.jsonl")]
    scored = CliRunner().invoke(main, ["score", str(tmp_path / "asked.jsonl"), *served, *output])
    assert scored.exit_code == 0, scored.output
    (answer,) = map(json.loads, (tmp_path / "answers.jsonl").read_text("utf-8").splitlines())
    assert abs(answer["value"] - (50 + 26 + 8 * np.sin(260 / 4))) < 4
