"""The models, trained on their samples once for all workers of a test run, of which each trains what no other does."""

import contextlib
import fcntl
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from serving.contract import Contract

PUBLISHED = "published"


@dataclass(frozen=True)
class Trained:
    """A trained Keras model, and the contract that its training made."""

    model: Any
    contract: Contract


def sample_models(folder: Path) -> dict[str, Trained]:
    """Train and publish below *folder* what is not there yet. Return all models as they were trained."""
    from training.task import task_names

    names = task_names()
    for waits in (False, True):  # first those that no other worker is about to train
        for name in names:
            with locked(folder / f"{name}.lock", waits) as mine:
                if mine and not (folder / f"{name}.keras").exists():
                    _train(folder, name)
    return {name: _read(folder, name) for name in names}


def _read(folder: Path, name: str) -> Trained:
    import keras

    with keras_meets_numpy_2():
        model = keras.saving.load_model(folder / f"{name}.keras", compile=False)
    return Trained(model, Contract.from_json((folder / f"{name}.json").read_bytes()))


def _train(folder: Path, name: str) -> None:
    from training.jobs.training_job import Job, train
    from training.publishing.export import export
    from training.publishing.publish import publish
    from training.task import find_task

    job = Job(name, find_task(name), "baseline", folder / name, None, True, 1, print)
    result = train(job, job.load())
    publish(folder / PUBLISHED, name, lambda written: export(result.model, result.contract, written, result.lite))
    (folder / f"{name}.json").write_text(result.contract.to_json(), "utf-8")
    with keras_meets_numpy_2():
        result.model.save(folder / f"{name}.keras")  # at last, for it says that all is done


def keras_meets_numpy_2() -> warnings.catch_warnings:
    """Let Keras save and load by `np.array(..., copy=False)`, of which numpy warns."""
    return warnings.catch_warnings(action="ignore", category=DeprecationWarning)


@contextlib.contextmanager
def locked(path: Path, waits: bool = True) -> Iterator[bool]:
    """Hold the lock *path*, of which there is one for all workers, if it is free or this *waits*; tells whether."""
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if waits else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
        else:
            yield True
