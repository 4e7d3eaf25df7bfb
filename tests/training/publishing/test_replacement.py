"""A user's task from one training to the next: with other data, and with other code."""

import json
import shutil
import subprocess
import sys

import pytest
from click.testing import CliRunner

from serving.process.exit_codes import ExitCode
from serving.registry import read_versions
from training.commands.train import train
from training.execution.checkpoints import Checkpoint

TASK = """
import dataclasses
import json
from pathlib import Path

import numpy as np

from training.data.datasets import Part
from training.tasks.house_price import TASK as BASE

SETTINGS = json.loads(Path("settings.json").read_text())


def load(data_dir):
    from changes import changed  # beside the package, and late

    data = BASE.load_sample()
    noise = np.random.default_rng(1).normal(0, SETTINGS.get("noise", 0), len(data.train.targets))
    rows = [{name: row[name] for name in row if name != SETTINGS.get("without")} for row in data.train.instances]
    train = Part(rows, changed(data.train.targets + noise).astype(np.float32))
    rows = [{name: row[name] for name in row if name != SETTINGS.get("without")} for row in data.test.instances]
    return dataclasses.replace(data, name="houses", train=train, test=dataclasses.replace(data.test, instances=rows))


RECIPES = {"best": dataclasses.replace(BASE.sample_recipes["baseline"], epochs=SETTINGS.get("epochs", 25))}
TASK = dataclasses.replace(BASE, load=load, recipes=RECIPES, floor=None, regression_tolerance=5.0)
"""
CHANGES = "def changed(targets):\n    return targets\n"


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """A folder with the user's package, and version 1 of its model."""
    folder = tmp_path_factory.mktemp("first")
    (folder / "owntasks").mkdir()
    (folder / "owntasks" / "__init__.py").touch()
    (folder / "owntasks" / "houses.py").write_text(TASK)
    (folder / "changes.py").write_text(CHANGES)
    with pytest.MonkeyPatch.context() as patch:
        done = run(folder, patch)
    assert done.exit_code == 0, done.output
    return folder


@pytest.fixture
def user(first, tmp_path):
    shutil.copytree(first, tmp_path / "user")
    return tmp_path / "user"


def run(folder, monkeypatch, *options, reports=False, protocol="holdout", **settings):
    """Train with these *settings* of the task; only tests that read the report take the seconds to draw it."""
    if not reports:
        monkeypatch.setattr("training.jobs.training_job.Reporting.report", lambda *told: None)
    (folder / "settings.json").write_text(json.dumps(settings))
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", [*sys.path])
    for name in ("changes", "owntasks", "owntasks.houses"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    command = ["houses", "--tasks", "owntasks", "--protocol", protocol, "--models-dir", "models"]
    return CliRunner().invoke(train, [*command, "--reports-dir", "reports", *options])


def provenance(folder):
    return read_versions(folder / "models", "houses")[-1].provenance


def newest_report(folder):
    *_, newest = sorted((folder / "reports" / "houses").iterdir())
    return (newest / "report.html").read_text("utf-8"), json.loads((newest / "metrics.json").read_text("utf-8"))


def test_the_same_command_again_has_nothing_to_do(user, monkeypatch):
    done = run(user, monkeypatch)

    assert done.output == "houses: nothing to do: this job has already published version 1\n"


def test_worse_on_the_same_test_rows_is_refused_though_the_data_have_changed(user, monkeypatch):
    done = run(user, monkeypatch, reports=True, protocol="none", noise=15)

    assert done.exit_code == ExitCode.REFUSED
    assert "houses: evaluating live version 1 on the same 100 rows\n" in done.output
    assert "live version 1 has 2.2" in done.output
    assert "and chance does not explain the difference (sign-flip test, one-sided: p = 0.0" in done.output
    page, metrics = newest_report(user)
    assert "<b>The gate:</b> houses: not published: mae on the test rows is" in page
    assert "chance does not explain the difference" in metrics["gate"]
    told = metrics["outcome"]
    assert (told["version"], told["live"]["version"]) == (None, 1)
    assert told["live"]["metric"] < metrics["test"]["mae"]


def test_worse_than_the_naive_baseline_is_refused_even_as_the_first_version(user, monkeypatch):
    shutil.rmtree(user / "models")
    done = run(user, monkeypatch, "--replace-incomparable", protocol="none", epochs=1)

    assert done.exit_code == ExitCode.REFUSED
    assert "but the naive baseline (mean) has 5.251, which must be beaten" in done.output


def test_as_good_on_other_data_is_published_and_says_what_it_was_compared_with(user, monkeypatch):
    done = run(user, monkeypatch, reports=True, noise=0.01)

    assert done.exit_code == 0, done.output
    assert "houses: published models/houses/2" in done.output
    gate = provenance(user)["gate"]
    assert gate["compared"]["version"] == 1
    assert gate["compared"]["rows"] == 100
    assert gate["decision"] in done.output
    page, metrics = newest_report(user)
    assert gate["decision"] == metrics["gate"]
    assert "<b>The gate:</b> mae " in page


def test_a_live_version_that_requires_more_is_refused_before_anything_is_trained(user, monkeypatch):
    done = run(user, monkeypatch, without="TAX")

    assert done.exit_code == ExitCode.REFUSED
    assert (
        "houses: not published: nothing was trained, because it can't be compared with the live version, which requires"
        " fields that the test rows lack: 'TAX'; publish to another --models-dir, or replace the live version anyway "
        "with --replace-incomparable" in done.output
    )
    assert "epoch" not in done.output

    done = run(user, monkeypatch, "--replace-incomparable", protocol="none", without="TAX")
    assert done.exit_code == 0, done.output
    assert (
        "which requires fields that the test rows lack: 'TAX'; replaced because" in provenance(user)["gate"]["decision"]
    )


def test_a_live_version_that_can_not_be_loaded_is_replaced_only_on_request(user, monkeypatch):
    (user / "models" / "houses" / "1" / "saved_model.pb").write_bytes(b"no model")

    done = run(user, monkeypatch, protocol="none", noise=0.01)
    assert done.exit_code == ExitCode.REFUSED
    assert "can't be compared with the live version, which can't be loaded and run here: " in done.output

    done = run(user, monkeypatch, "--replace-incomparable", protocol="none", noise=0.01)
    assert done.exit_code == 0, done.output


def test_other_code_is_another_job_wherever_the_task_imports_it_from_and_its_commit_is_recorded(user, monkeypatch):
    def git(*arguments):
        author = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
        done = subprocess.run(["git", *author, *arguments], cwd=user, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    (user / "changes.py").write_text(CHANGES.replace("return targets", "return targets + 0.001"))
    git("init", "--quiet")
    git("add", "owntasks", "changes.py")
    git("commit", "--quiet", "--message", "A task")
    monkeypatch.setenv("PLUMBLINE_REVISION", "abc123")

    done = run(user, monkeypatch)

    assert done.exit_code == 0, done.output
    assert "houses: published models/houses/2" in done.output
    recorded = provenance(user)
    assert recorded["git_revision"] == git("rev-parse", "HEAD")
    assert recorded["git_dirty"] is False
    assert recorded["plumbline_revision"] == "abc123"
    assert len(recorded["code_sha256"]) == 64
    assert recorded["versions"]["plumbline"]


def test_other_code_does_not_resume_from_the_state_of_the_first(user, monkeypatch):
    save = Checkpoint.save

    def save_and_end(checkpoint, state):
        save(checkpoint, state)
        if checkpoint.number == 2:
            raise SystemExit(75)

    shutil.rmtree(user / "models")
    with monkeypatch.context() as patch:
        patch.setattr(Checkpoint, "save", save_and_end)
        assert run(user, monkeypatch).exit_code == 75
    assert len(list((user / "models" / ".training").glob("*/fit-2.npz"))) == 1

    source = user / "owntasks" / "houses.py"
    source.write_text(source.read_text() + "\n# another\n")
    done = run(user, monkeypatch)

    assert done.exit_code == 0, done.output
    assert "resuming after" not in done.output
