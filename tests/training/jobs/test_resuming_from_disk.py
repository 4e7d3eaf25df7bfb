"""A job that is ended while it fills the cache, or within an epoch, ends with the same weights when it is run again."""

from pathlib import Path
from typing import Any

import pytest

from serving.contract import Contract
from tests.training.declarations.tables import run_new, shop, write
from training.data import features, scratch
from training.declarations.task import declared_task
from training.execution.checkpoints import Checkpoint
from training.fitting.epochs import Epochs
from training.jobs.training_job import Job, run


class Killed(BaseException):
    """The end of a process, which nothing handles."""


def killed_at(call: Any, number: int) -> Any:
    """Return what does as *call* until it is called for the *number*-th time."""
    calls = iter(range(1, number))

    def counted(*arguments: Any) -> Any:
        if next(calls, None) is None:
            raise Killed
        return call(*arguments)

    return counted


def weights_of(path: Path, models: Path) -> str:
    name, task = declared_task(path)
    made: list[Contract] = []
    recipe = next(iter(task.recipes))
    settings = ("epochs=3", "patience=0")
    run(Job(name, task, recipe, models, None, False, 0, print, settings, compares=False, on_trained=made.append))
    return str(made[0].provenance["weights_sha256"])


@pytest.fixture(scope="module")
def shopping(tmp_path_factory):
    """A declared table, and the weights of a job that nothing has ended."""
    folder = tmp_path_factory.mktemp("shop")
    path = folder / "shop.toml"
    assert run_new(write(folder, "shop.csv", shop(300)), "--target", "returned", "--output", path).exit_code == 0
    path.write_text(path.read_text("utf-8") + '\n[protocol]\nname = "holdout"\n', "utf-8")
    return path, weights_of(path, folder / "models")


@pytest.mark.parametrize(
    ("place", "what", "number"),
    [
        (features, "new_memory", 3),
        (features, "with_fields", 3),
        (Epochs, "train", 2),
        (Epochs, "train", 5),
        (Checkpoint, "save", 4),
    ],
)
def test_a_job_that_is_run_again_ends_with_the_same_weights(shopping, tmp_path, monkeypatch, place, what, number):
    path, weights = shopping
    cache = tmp_path / "cache"
    cache.mkdir()
    monkeypatch.setenv(scratch.FOLDER, str(cache))
    monkeypatch.setattr(features, "LARGE", 0)  # all features are on disk
    with monkeypatch.context() as within:
        within.setattr(place, what, killed_at(getattr(place, what), number))
        with pytest.raises(Killed):
            weights_of(path, tmp_path / "models")
    assert list(cache.iterdir()) == []
    assert weights_of(path, tmp_path / "models") == weights
