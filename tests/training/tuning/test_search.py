import json

import pytest
from click.testing import CliRunner

from serving.process.exit_codes import ExitCode
from training.commands.train import train
from training.commands.tune import tune
from training.errors import BadRequest
from training.networks.dense import Dense
from training.tuning.ranges import Range, make_ranges
from training.tuning.recipe_file import read_recipe_file

RECIPE = Dense(epochs=8, batch_size=16)
QUICK = ["house_price", "--recipe", "baseline", "--sample", "--protocol", "holdout"]


def tuned(*arguments):
    return CliRunner().invoke(tune, [*QUICK, *arguments])


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_search_resumes_and_its_recipe_can_be_trained(here):
    search = ["--search", "units=8,8/16,16", "--search", "dropout=0..0.2", "--set", "epochs=2"]
    first = tuned("--trials", "1", *search)
    second = tuned("--trials", "2", *search)
    found = json.loads((here / "house_price.json").read_text())
    done = CliRunner().invoke(train, [QUICK[0], "--recipe", "house_price.json", *QUICK[3:]])

    assert "trial 1 of 1" in first.output
    assert "trial 1 of" not in second.output
    assert "trial 2 of 2" in second.output
    assert found["found"]["trials"] == 2
    assert found["found"]["validation"] <= found["found"]["as it is"]
    assert done.exit_code == 0, done.output
    document = json.loads((here / "models/house_price/1/assets.extra/contract.json").read_text())
    assert document["provenance"]["settings"]["epochs"] == 2


def test_the_usual_ranges_leave_out_what_is_set():
    assert [each.name for each in make_ranges(RECIPE, [], fixed=["l1", "l2"])] == ["epochs", "batch_size", "dropout"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("units=8,8/16", Range("units", ("8,8", "16"))),
        ("epochs=2..9", Range("epochs", (), 2, 9, False, True)),
        ("l2=1e-6..1e-2:log", Range("l2", (), 1e-6, 1e-2, True, False)),
        ("dropout=0..0.5", Range("dropout", (), 0, 0.5, False, False)),
    ],
)
def test_ranges_are_read(text, expected):
    assert make_ranges(RECIPE, [text], fixed=[]) == [expected]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nope=1..2", "unknown setting 'nope' to search; available: epochs"),
        ("dropout", "expected a range such as"),
        ("dropout=0.5..0.1", "expected LOW..HIGH"),
        ("l2=0..0.1:log", "with LOW above 0"),
        ("l2=a..b", "expected LOW..HIGH"),
        ("epochs=1..2", "can't be both set and searched"),
    ],
)
def test_a_wrong_range_is_refused(text, message):
    with pytest.raises(BadRequest, match=message):
        make_ranges(RECIPE, [text], fixed=["epochs"])


def test_a_value_that_the_setting_can_not_take_ends_the_search(here):
    done = tuned("--search", "units=many/few", "--set", "epochs=1")

    assert done.exit_code == ExitCode.BAD_INPUT
    assert "expected whole numbers of at least 1, separated by commas" in done.output


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "expected a file that `plumbline tune` wrote"),
        ("[1]", "expected a file that `plumbline tune` wrote"),
        ('{"model": "digits", "recipe": "baseline", "settings": {}}', "is for digits, not for topic"),
        (None, "No such file"),
    ],
)
def test_a_file_that_is_not_a_recipe_is_refused(tmp_path, content, message):
    path = tmp_path / "recipe.json"
    if content:
        path.write_text(content)

    with pytest.raises(BadRequest, match=message):
        read_recipe_file(path, "topic")


def test_a_search_resumes_after_its_last_line_was_cut(here):
    search = ["--search", "units=8,8/16,16", "--set", "epochs=1"]
    tuned("--trials", "1", *search)
    study = here / "house_price.json.study"
    study.write_bytes(study.read_bytes() + b'{"op_code":4,"worker_id":"')

    again = tuned("--trials", "2", *search)

    assert again.exit_code == 0, again.output
    assert "trial 2 of 2" in again.output


def test_a_study_that_is_something_else_is_refused(here):
    (here / "house_price.json.study").write_text("not a study\n")

    done = tuned("--trials", "1", "--set", "epochs=1")

    assert done.exit_code == ExitCode.BAD_INPUT
    assert "house_price.json.study: not a study" in done.output


def test_an_output_that_can_not_be_written_is_reported(here):
    done = tuned("--trials", "1", "--set", "epochs=1", "--output", "nowhere/found.json")

    assert done.exit_code == ExitCode.BAD_INPUT
    assert "nowhere/found.json.study: No such file" in done.output
