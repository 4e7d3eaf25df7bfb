"""The state of each fit after each epoch, on disc, so that a job that was ended goes on where it was."""

import itertools
import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from serving.process.exit_codes import ExitCode
from training.errors import TrainingError


class CannotKeepState(TrainingError):
    """The models folder, which holds the state of unfinished jobs too, can't be written to."""

    exit_code = ExitCode.RETRY

    def __init__(self, path: Path, cause: Exception) -> None:
        super().__init__(f"can't keep the state of the job in {path.parent}, which --models-dir decides: {cause}")


@dataclass
class State:
    """A fit after *epoch* epochs: its curves, its variables, and the best weights with their validation loss.

    *waited* counts the epochs since the best.
    """

    epoch: int = 0
    curves: dict[str, list[float]] = field(default_factory=dict)
    variables: Sequence[np.ndarray] = ()
    best: Sequence[np.ndarray] = ()
    best_loss: float = np.inf
    waited: int = 0

    def add(self, figures: dict[str, float]) -> None:
        """Count an epoch with its *figures*."""
        self.epoch += 1
        for name, value in figures.items():
            self.curves.setdefault(name, []).append(value)


class Checkpoint:
    """The file of one fit; without a path, nothing is kept. *number* counts the fits of a job from 1."""

    def __init__(self, number: int, path: Path | None, writes: bool) -> None:
        self.number = number
        self._path = path
        self._writes = writes

    def load(self) -> State:
        """Read the last state, or give that of a fit that has not begun."""
        if self._path is None or not self._path.exists():
            return State()
        with np.load(self._path, allow_pickle=False) as file:
            told = json.loads(str(file["told"]))
            return State(**told, variables=_arrays(file, "variables"), best=_arrays(file, "best"))

    def save(self, state: State) -> None:
        """Replace the file, or leave it whole. Raises CannotKeepState."""
        if self._path is None or not self._writes:
            return
        try:
            _write(self._path, state)
        except OSError as error:
            raise CannotKeepState(self._path, error) from error


def _write(path: Path, state: State) -> None:
    told = {name: getattr(state, name) for name in ("epoch", "curves", "best_loss", "waited")}
    arrays = {f"{name}-{i}": a for name in ("variables", "best") for i, a in enumerate(getattr(state, name))}
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(".tmp")
    with aside.open("wb") as file:
        np.savez(file, told=np.array(json.dumps(told)), **arrays)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)


class Checkpoints:
    """Gives each fit of a job its checkpoint in *folder*; a job always runs its fits in the same order.

    Of several workers only one *writes*, and all read.
    """

    def __init__(self, folder: Path | None = None, writes: bool = True) -> None:
        self._folder = folder
        self._writes = writes
        self._numbers = itertools.count(1)

    def next(self) -> Checkpoint:
        """Give the checkpoint of the next fit."""
        number = next(self._numbers)
        return Checkpoint(number, self._folder and self._folder / f"fit-{number}.npz", self._writes)

    def clear(self) -> None:
        """Forget all states."""
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)


def _arrays(file: np.lib.npyio.NpzFile, name: str) -> list[np.ndarray]:
    count = sum(key.startswith(f"{name}-") for key in file.files)
    return [file[f"{name}-{index}"] for index in range(count)]
