import errno
import json
import os

import pytest
from click.testing import CliRunner

from tests.training.report import records
from tests.training.runs.made import make_older, make_run
from training.commands.runs import runs

REFUSED = "sentiment: not published: accuracy on the test rows is 0.5, but the floor is 0.8; train another recipe"


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reports")
    make_older(folder, records.binary(decision="accuracy 0.5: no floor"), "20260101T000000Z")
    make_run(folder, records.binary(code={"sha256": "f" * 64, "git_dirty": True}), "20260201T120000Z", version=3)
    make_run(folder, records.binary(decision=REFUSED, seed=2), "20260201T130000Z")
    make_run(folder, records.regression(), "20260115T000000Z", version=1)
    half = make_run(folder, records.binary(), "20260301T000000Z", version=4) / "metrics.json"
    half.write_bytes(half.read_bytes()[:100])
    (folder / "sentiment" / "notes").mkdir()
    return folder


def ask(reports, *words, code=0):
    asked = CliRunner().invoke(runs, [*words, "--reports-dir", str(reports)])
    assert asked.exit_code == code, asked.output
    return asked.output


def test_runs_are_listed_with_what_became_of_them_the_newest_first(reports):
    lines = ask(reports, "list").splitlines()

    assert [line.split()[1] for line in lines[1:]] == [
        "20260301T000000Z",
        "20260201T130000Z",
        "20260201T120000Z",
        "20260115T000000Z",
        "20260101T000000Z",
    ]
    assert "unreadable: expected JSON" in lines[1]
    assert "refused: accuracy on the test rows is 0.5" in lines[2]
    assert "accuracy     0.8000 ± 0.1000  0.5000  best    1     imdb  7475     version 3" in lines[3]
    assert "MAE ($1000)" in lines[4]
    assert lines[5].endswith(" published")


def test_a_list_can_be_of_one_model_and_bounded(reports):
    output = ask(reports, "list", "sentiment", "--limit", "2")

    assert "20260201T130000Z" in output
    assert "20260201T120000Z" not in output
    assert "2 older ones are not shown: --limit 4" in output


def test_a_list_for_programs(reports):
    listed = json.loads(ask(reports, "list", "--json"))

    assert listed[0]["problem"].startswith("expected JSON")
    assert listed[1]["refused"] == "accuracy on the test rows is 0.5, but the floor is 0.8"
    assert listed[2] == {
        "model": "sentiment",
        "run": "20260201T120000Z",
        "folder": str(reports / "sentiment" / "20260201T120000Z"),
        "ended": "2026-02-01T12:00:00+00:00",
        "version": 3,
        "outcome": "version 3",
        "refused": None,
        "metric": "accuracy",
        "higher_is_better": True,
        "unit": "",
        "test": 0.5,
        "test_rows": 4,
        "validation": {"mean": 0.8, "spread": pytest.approx(0.1), "folds": 2},
        "recipe": "best",
        "seed": 1,
        "data": "imdb",
        "data_sha256": "0123abcd",
        "seconds": 7475.0,
    }


@pytest.mark.parametrize(
    "named", ["20260201T12", "sentiment@3", "sentiment/20260201T12", "reports/sentiment/20260201T120000Z"]
)
def test_a_run_is_shown_by_any_of_its_names(named, reports):
    if named.startswith("reports"):
        named = str(reports.parent / named.replace("reports", reports.name, 1))

    told = ask(reports, "show", named)

    assert told.startswith("sentiment 20260201T120000Z\n")
    assert "  outcome     published as version 3\n" in told
    assert "  validation  0.8000 ± 0.1000 over 2 folds, kfold (folds 2)\n" in told
    assert "  settings    units [16, 16], augmentation.flip True\n" in told
    assert "  code        sha256 ffffffffffff, git_dirty yes\n" in told
    assert "  note        English only\n" in told


def test_an_older_run_is_shown_as_well(reports):
    assert "rows        kept no rows: an older version of Plumbline trained it" in ask(reports, "show", "20260101")


@pytest.mark.parametrize(
    ("named", "told"),
    [
        ("20260201", "is the name of several runs: sentiment/20260201T130000Z, sentiment/20260201T120000Z; give more"),
        ("2025", "no run of '2025' in {}; there are: sentiment/20260301T000000Z, sentiment/20260201T130000Z"),
        ("sentiment@9", "no run of 'sentiment@9' in {}; there are: sentiment/20260301T000000Z"),
        ("topic@latest", "no run of model 'topic' in {}; there are: house_price, sentiment"),
        ("latest", "metrics.json: expected JSON: Expecting"),
    ],
)
def test_what_is_no_run_is_refused_with_what_there_is(named, told, reports):
    assert told.format(reports) in ask(reports, "show", named, code=2)


@pytest.mark.parametrize(
    "change",
    [
        {"schema": 9},
        {"test": None},
        {"final": {"training": 3}},
        {"heads": {"mass": {}}},
        {"labels": "ab"},
        {"recipe": {"name": "best", "seed": 1}},
        {"seconds": {"test": "long"}},
        {"seconds": {"test": 1e400}},
        {"test": {"accuracy": 0.5, "rows": 1e400}},
        {"test": {"accuracy": 10**400, "rows": 4}},
        {"test": {"accuracy": 0.5, "rows": 4, "auc": "x"}},
        {"baselines": {"mean": 10**400}},
        {"thresholds": [None]},
        {"labels": [["a"]]},
        {"code": 5},
    ],
    ids=lambda change: next(iter(change)),
)
def test_numbers_that_are_no_job_s_are_refused(change, tmp_path):
    path = make_run(tmp_path, records.binary(), "20260101T000000Z") / "metrics.json"
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | change), "utf-8")

    assert "metrics.json: expected the numbers of a run: " in ask(tmp_path, "show", "latest", code=2)
    assert "unreadable: expected the numbers of a run" in ask(tmp_path, "list")


def test_what_would_steer_a_terminal_is_not_printed(tmp_path):
    make_run(tmp_path, records.binary(notes=["\x1b[2J\x9b2J"]), "20260101T000000Z")

    assert "note        \N{REPLACEMENT CHARACTER}[2J\N{REPLACEMENT CHARACTER}2J" in ask(tmp_path, "show", "latest")


def test_an_empty_folder_has_no_runs(tmp_path):
    assert f"no runs in {tmp_path} yet: `plumbline train` writes them" in ask(tmp_path, "list")
    assert f"no run of 'latest' in {tmp_path}; there are: none" in ask(tmp_path, "show", "latest", code=2)


def test_texts_and_names_without_an_encoding_are_printed_all_the_same(tmp_path):
    make_run(tmp_path, records.binary(notes=["half \ud800"], data="half \udfff"), "20260101T000000Z")

    assert "note        half \N{REPLACEMENT CHARACTER}" in ask(tmp_path, "show", "latest")
    assert json.loads(ask(tmp_path, "list", "--json"))[0]["data"] == "half \N{REPLACEMENT CHARACTER}"
    ask(tmp_path, "compare", "latest", "latest", "--html", str(tmp_path / "page.html"))
    assert "half ?" in (tmp_path / "page.html").read_text("utf-8")


@pytest.mark.parametrize("file", ["metrics.json", "rows.parquet"])
def test_a_pipe_in_place_of_a_file_is_not_waited_for(file, tmp_path):
    path = make_run(tmp_path, records.binary(), "20260101T000000Z") / file
    path.unlink()
    os.mkfifo(path)

    assert f"{file}: expected a file" in ask(tmp_path, "compare", "latest", "latest", code=2)


def test_foreign_entries_hide_no_run(tmp_path, monkeypatch):
    run = make_run(tmp_path, records.binary(), "20260101T000000Z")
    (run.parent / "20260102T000000Z").symlink_to("20260102T000000Z")
    (tmp_path / "lost+found").mkdir()
    scan = os.scandir

    def scandir(folder):
        if folder.name == "lost+found":
            raise PermissionError(errno.EACCES, "Permission denied")
        return scan(folder)

    monkeypatch.setattr(os, "scandir", scandir)

    assert "20260101T000000Z" in ask(tmp_path, "list")
    assert "lost+found: Permission denied" in ask(tmp_path, "list", "lost+found", code=2)


def test_a_name_that_is_too_long_for_a_folder_is_unknown(reports):
    assert "no run of 'xxx" in ask(reports, "show", "x" * 300, code=2)


def test_fewer_labels_than_classes_leave_the_rows_uncompared(tmp_path):
    path = make_run(tmp_path, records.binary(), "20260101T000000Z") / "metrics.json"
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | {"labels": []}), "utf-8")

    assert "don't give the metric" in ask(tmp_path, "compare", "latest", "latest")


def test_a_folder_that_is_not_there_is_named(tmp_path):
    assert f"{tmp_path / 'none'}: no such folder; expected the reports" in ask(tmp_path / "none", "list", code=2)
