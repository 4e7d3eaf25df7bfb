"""From a file to answers: `new`, `train`, and the published contract reads the same rows."""

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from serving.contract import Contract
from serving.contract.faults import Faults
from serving.registry import live_version
from tests.training.declarations.tables import run_new, shop, write
from training.commands.train import train
from training.commands.tune import tune
from training.declarations.task import declared_task
from training.networks.transfer import Transfer

FAST = ["--protocol", "holdout", "--set", "epochs=12"]
ONCE = ["--protocol", "none", "--set", "epochs=12", "--set", "patience=0"]


def run_train(path: Path, *options: str):
    folders = ["--models-dir", str(path.parent / "models"), "--reports-dir", str(path.parent / "reports")]
    return CliRunner().invoke(train, [str(path), *folders, *options])


def published(path: Path, name: str) -> Contract:
    version = live_version(path.parent / "models", name)
    assert version is not None
    assert version.contract is not None
    return version.contract


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A model of purchases in a CSV file with decimal commas, and what the command said."""
    folder = tmp_path_factory.mktemp("own")
    data = write(folder, "shop.csv", shop(300, separator=";", decimal=",", gap="k.A."))
    path = folder / "shop.toml"
    assert run_new(data, "--target", "returned", "--output", path).exit_code == 0
    path.write_text(path.read_text().replace("[fields.note]", '[fields.note]\ncapture = "hash"'))
    done = run_train(path, *FAST)
    assert done.exit_code == 0, done.output
    return path, done.output


def test_a_run_says_at_once_how_many_rows_classes_and_gaps_there_are(trained):
    _, told = trained

    first = told.splitlines()[:3]
    assert first[0] == "shop: shop.csv: 300 rows: 240 to train, 60 to test"
    assert first[1].startswith("shop: 2 classes: no ")
    assert first[2] == "shop: gaps: price 18, colour 13"
    assert re.search(r"shop: accuracy test 0\.\d+, .*macro_f1 0\.\d+, auc 0\.\d+", told)
    assert "shop: published" in told


def test_the_published_contract_reads_the_rows_of_the_file(trained):
    path, _ = trained
    contract = published(path, "shop")
    with (path.parent / "shop.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter=";"))
    instances = [
        {
            "price": None if row["price"] == "k.A." else float(row["price"].replace(",", ".")),
            "colour": None if row["colour"] == "k.A." else row["colour"],
            "day": row["day"],
            "note": row["note"],
        }
        for row in rows
    ]
    faults = Faults()
    contract.record.encode(contract.record.read(instances, faults))

    assert faults.count == 0
    assert contract.model == "shop"
    assert contract.answers.only.names == ("no", "yes")
    assert contract.evaluation["test"]["accuracy"] > contract.evaluation["baseline"]["accuracy"]
    assert {"macro_f1", "auc", "rows"} <= contract.evaluation["test"].keys()
    assert contract.capture == {"note": "hash"}


def test_the_same_files_are_the_same_job_and_other_content_is_another(trained):
    path, _ = trained
    assert "nothing to do: this job has already published version 1" in run_train(path, *FAST).output

    path.write_text(path.read_text("utf-8") + "# a comment\n", "utf-8")
    assert "nothing to do" in run_train(path, *FAST).output


def test_tuning_writes_a_recipe_that_training_takes(trained):
    path, _ = trained
    recipe = path.parent / "shop.json"
    options = ["--trials", "2", "--search", "dropout=0..0.5", "--output", str(recipe)]
    done = CliRunner().invoke(tune, [str(path), *FAST, *options])

    assert done.exit_code == 0, done.output
    assert json.loads(recipe.read_text())["model"] == "shop"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--tasks", "mycompany"], "is a file of its own: leave the option out"),
        (["--sample"], "has no built-in sample"),
        (["--dataset", "other"], "unknown data set 'other'"),
        (["--recipe", "best"], "shop has no recipe 'best'; available: mixed"),
        (["--set", "droput=0"], "unknown setting 'droput'"),
    ],
)
def test_options_that_are_not_for_files_are_refused(trained, options, message):
    done = run_train(trained[0], *options)

    assert message in done.output
    assert done.exit_code == 2


def test_missing_skips_a_model_that_has_a_version(trained):
    assert "shop: skipped, version 1 exists" in run_train(trained[0], "--missing").output


def test_a_file_that_is_not_there_is_named(tmp_path):
    assert "none.toml: No such file" in run_train(tmp_path / "none.toml").output


def test_numbers_tags_arrays_and_dates_of_json_lines_answer_numbers(tmp_path):
    rng = np.random.default_rng(1)
    rows = [
        {
            "size": None if row % 19 == 4 else float(rng.normal()),
            "marks": [mark for mark in ("a", "b", "c") if rng.random() < 0.5],
            "series": rng.normal(size=6).round(3).tolist(),
            "day": f"2026-{row % 12 + 1:02}-01T12:00:00Z",
        }
        for row in range(160)
    ]
    lines = [json.dumps(row | {"cost": 5000 + 900 * len(row["marks"]) + 50 * sum(row["series"])}) for row in rows]
    data = write(tmp_path, "costs.jsonl", "\n".join(lines))
    path = tmp_path / "costs.toml"
    assert run_new(data, "--output", path).exit_code == 0
    done = run_train(path, *ONCE)

    assert done.exit_code == 0, done.output
    kinds = {name: encoder.kind for name, encoder in published(path, "costs").record.fields.items()}
    assert kinds == {"size": "number", "marks": "tags", "series": "array", "day": "date"}


def test_tags_of_several_columns_are_answered(tmp_path):
    rng = np.random.default_rng(1)
    x = rng.normal(size=(240, 2))
    rows = "".join(f"{a:.3f},{b:.3f},{int(a > 0)},{int(b > 0.5)}\n" for a, b in x)
    path = tmp_path / "moods.toml"
    data = write(tmp_path, "moods.csv", "a,b,happy,calm\n" + rows)
    assert run_new(data, "--target", "happy,calm", "--output", path).exit_code == 0
    done = run_train(path, *ONCE)

    assert done.exit_code == 0, done.output
    assert published(path, "moods").answers.only.names == ("happy", "calm")


def test_photos_of_three_classes_are_told_apart(tmp_path):
    rng = np.random.default_rng(1)
    for place, label in enumerate(("ant", "bee", "crab")):
        (tmp_path / "zoo" / label).mkdir(parents=True)
        for number in range(16):
            pixels = rng.integers(0, 60, (24, 24, 3), np.uint8)
            pixels[..., place] += 150
            Image.fromarray(pixels).save(tmp_path / "zoo" / label / f"{number}.png")
    path = tmp_path / "zoo.toml"
    assert run_new(tmp_path / "zoo", "--output", path).exit_code == 0
    assert isinstance(declared_task(path)[1].recipes["transfer"], Transfer)
    path.write_text(path.read_text().replace("224", "24").replace('"transfer"', '"convnet"\nrate = 0.01'))
    done = run_train(path)

    assert done.exit_code == 0, done.output
    assert "zoo: 3 classes: ant 16, bee 16, crab 16" in done.output
    assert published(path, "zoo").answers.only.names == ("ant", "bee", "crab")


def test_a_rare_class_counts_as_much_as_the_frequent_one(tmp_path):
    rng = np.random.default_rng(1)
    x = rng.normal(size=(400, 2))
    rows = "".join(f"{a:.3f},{b:.3f},{'rare' if a + b / 2 + rng.normal() / 3 > 1.4 else 'usual'}\n" for a, b in x)
    path = tmp_path / "alarms.toml"
    told = run_new(write(tmp_path, "alarms.csv", "a,b,kind\n" + rows), "--output", path).output
    done = run_train(path, *FAST)

    assert "unbalanced: rare classes count as much as frequent ones" in told
    assert done.exit_code == 0, done.output
    evaluation = published(path, "alarms").evaluation
    assert evaluation["metric"] == "balanced_accuracy"
    assert evaluation["baseline"]["balanced_accuracy"] == 0.5
    assert evaluation["test"]["balanced_accuracy"] > 0.7
    assert "alarms: beside it, gradient boosting (scikit-learn): 0." in done.output
    (metrics,) = (tmp_path / "reports").glob("alarms/*/metrics.json")
    assert [*json.loads(metrics.read_text())["baselines"]] == [
        "most frequent class",
        "gradient boosting (scikit-learn)",
        "logistic regression (scikit-learn)",
    ]


def test_fields_of_any_name_are_inputs(tmp_path):
    rng = np.random.default_rng(1)
    names = ['Größe der "Bemerkung" (€)/x', "a b", "a-b", "1st", "features", " x "]
    rows = []
    for row in range(160):
        good = rng.random() < 0.5
        texts = [f"das war {'gut' if good else 'schlecht'} und zwar {row} mal in allen Fällen {n}" for n in range(3)]
        rows.append([*texts, f"[{row % 5}, {row % 7}, 3]", f"{rng.random():.4f}", rng.choice(["a", "b"]), int(good)])
    with (tmp_path / "odd.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([[*names, "good"], *rows])
    path = tmp_path / "odd.toml"
    assert run_new(tmp_path / "odd.csv", "--output", path).exit_code == 0
    path.write_text("\ufeff" + path.read_text("utf-8"), "utf-8")  # as some editors save it
    done = run_train(path, *ONCE)

    assert done.exit_code == 0, done.output
    assert [*published(path, "odd").record.fields] == names
