"""`plumbline up --train`: what serves and what trains, in processes of their own. The training is a stand-in."""

import os
import subprocess
from pathlib import Path

import click
import pytest

from serving.commands.training_beside import _OPTIONS
from serving.registry.versions import CONTRACT
from tests.serving.contracts import tabular_contract
from tests.serving.saved_models import write_saved_model
from tests.stack import PLUMBLINE, Stack, running

HOUSE = {"rooms": 5.0, "age": 30.0}
STAND_IN = """
import os, sys, time
from pathlib import Path

import click

from serving.registry.progress import Progress


@click.command(context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
@click.option("--models-dir", type=Path)
def train(models_dir):
    here = Path(__file__).parent
    print("stand-in", os.getpid(), *sys.argv[1:3], flush=True)
    with Progress(models_dir, "house") as house, Progress(models_dir, "later"):
        house.show(0.4)
        while not (here / "go").exists():
            time.sleep(0.05)
        (models_dir / "house").mkdir()
        (here / "1").rename(models_dir / "house" / "1")
        house.close()
        while not (here / "fail").exists():
            time.sleep(0.05)
    sys.exit(3)
"""


@pytest.fixture
def beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a command `train` that takes the place of the real one."""
    folder = tmp_path / "beside"
    metadata = folder / "beside-1.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: beside\nVersion: 1\n")
    (metadata / "entry_points.txt").write_text("[plumbline.commands]\ntrain = stand_in:train\n")
    (folder / "stand_in.py").write_text(STAND_IN)
    contract = tabular_contract("house")
    write_saved_model(folder / "1", contract, contract.to_json())
    (folder / "1" / CONTRACT).write_text(contract.to_json())
    monkeypatch.setenv("PYTHONPATH", str(folder), prepend=os.pathsep)
    return folder


def process_of(stack: Stack) -> int:
    stack.wait_until(lambda: "stand-in" in stack.log.read_text())
    return int(stack.log.read_text().partition("stand-in ")[2].split()[0])


def test_each_model_answers_once_it_is_published_and_goes_on_if_training_fails(tmp_path: Path, beside: Path) -> None:
    with running(tmp_path / "models", tmp_path, "--train") as stack:
        pid = process_of(stack)
        assert os.getpriority(os.PRIO_PROCESS, pid) == min(os.getpriority(os.PRIO_PROCESS, 0) + 10, 19)
        stack.wait_for("/models", lambda reply: '"training":0.4' in reply.body.decode())
        assert stack.post("/predict/house", HOUSE).status == 404
        (beside / "go").touch()
        stack.wait_until(lambda: stack.post("/predict/house", HOUSE).status == 200)
        stack.wait_until(lambda: "POST /predict/house" in stack.log.read_text())

        (beside / "fail").touch()
        stack.wait_until(lambda: "training ended with code 3; what is published is served" in stack.log.read_text())
        assert stack.post("/predict/house", HOUSE).status == 200
        assert stack.process.poll() is None
    log = stack.log.read_text()
    assert f"stand-in {pid} train all" in log
    assert "not served" not in log
    assert "there is no model yet" not in log
    assert log.count("training ended") == 1


def test_what_ends_it_ends_the_training_too(tmp_path: Path, beside: Path) -> None:
    with running(tmp_path / "models", tmp_path, "--train") as stack:
        pid = process_of(stack)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_folder_that_can_not_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    command = [*PLUMBLINE, "up", "--train", "--models-dir", str(tmp_path / "file" / "models")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (1, f"Error: --models-dir {tmp_path}/file/models: Not a directory\n")


def test_the_command_is_one_that_train_takes() -> None:
    from training.commands.train import train

    context = train.make_context("train", ["all", *_OPTIONS, "--models-dir", "models"])
    assert isinstance(context, click.Context)
    assert context.params["protocol"] == "none"
