"""A job that is killed, given again, ends as if it had never been disturbed."""

import signal
import subprocess
import sys
import time

import pytest
from click.testing import CliRunner

from serving.process.exit_codes import ExitCode
from serving.registry import live_version
from training.commands.train import train

COMMAND = ["train", "house_price", "--recipe", "baseline", "--sample", "--no-compare", "--models-dir", "models"]
FITS = 5
"""Of house_price: four folds, and the last training."""
PATIENCE_SECONDS = 300
"""Waited only where something fails: on a busy machine, TensorFlow alone may take minutes to be imported."""


@pytest.fixture(scope="module")
def survivor(tmp_path_factory):
    """A job that got SIGTERM in its second fit, SIGKILL in its fourth, and then was left in peace."""
    folder = tmp_path_factory.mktemp("survivor")
    ends = []
    for fit, sent in ((2, signal.SIGTERM), (4, signal.SIGKILL)):
        job = subprocess.Popen(
            [sys.executable, "-m", "serving", *COMMAND], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        wait_for_fit(folder, fit, job)
        job.send_signal(sent)
        output = job.communicate(timeout=PATIENCE_SECONDS)[0].decode()
        ends.append((job.returncode, output, saved(folder)))
    last = subprocess.run(
        [sys.executable, "-m", "serving", *COMMAND],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
    )
    return folder, ends, last


def wait_for_fit(folder, number, job):
    until = time.monotonic() + PATIENCE_SECONDS
    while not any(path.name == f"fit-{number}.npz" for path in saved(folder)):
        assert job.poll() is None, job.communicate()[0].decode()
        assert time.monotonic() < until
        time.sleep(0.01)


def saved(folder):
    return sorted((folder / "models" / ".training").glob("*/*.npz"))


def weights(models_dir):
    version = live_version(models_dir, "house_price")
    return version.contract.provenance["weights_sha256"]


def test_sigterm_ends_a_job_with_the_code_for_another_try(survivor):
    _, [(code, output, states), _], _ = survivor

    assert code == ExitCode.RETRY
    assert "run the same command again to resume" in output
    assert "Traceback" not in output
    assert 2 <= len(states) < FITS


def test_the_next_try_does_not_train_again_what_is_finished(survivor):
    _, [_, (code, output, _)], last = survivor

    assert code == -signal.SIGKILL
    assert "resuming after 25 epochs" in output
    assert last.returncode == 0, last.stderr
    first_fold = last.stdout.split("fold 2 of 4")[0]
    assert "epoch 25/25" not in first_fold


def test_the_weights_are_those_of_an_undisturbed_job(survivor, published):
    folder, _, _ = survivor

    assert weights(folder / "models") == weights(published)
    assert saved(folder) == []


def test_a_finished_job_does_nothing_and_says_so(survivor, monkeypatch):
    monkeypatch.chdir(survivor[0])
    done = CliRunner().invoke(train, [*COMMAND[1:], "--reports-dir", "reports"])

    assert done.exit_code == 0
    assert done.output == "house_price: nothing to do: this job has already published version 1\n"


def test_a_folder_that_cannot_keep_the_state_is_named_and_the_job_may_be_tried_again(tmp_path):
    (tmp_path / ".training").write_text("a file, where a folder should be")

    told = CliRunner().invoke(train, [*COMMAND[1:-2], "--models-dir", str(tmp_path)])

    assert told.exit_code == ExitCode.RETRY
    assert f"can't save the state of the job in {tmp_path / '.training'}" in told.output
