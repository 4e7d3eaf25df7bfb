"""The state of each fit after its last epochs, on disk, so that an interrupted job can resume."""

import itertools
import json
import os
import shutil
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
import numpy as np

from serving.process.exit_codes import ExitCode
from training.errors import TrainingError


class CannotSaveState(TrainingError):
    """The models folder, where unfinished jobs keep their state, can't be written to."""

    exit_code = ExitCode.RETRY

    def __init__(self, path: Path, cause: Exception) -> None:
        super().__init__(f"can't save the state of the job in {path.parent}, inside --models-dir: {cause}")


@dataclass
class State:
    """A fit after *epoch* epochs: its curves, its variables, and the best weights with their validation loss.

    *waited* is the number of epochs since the best one.
    """

    epoch: int = 0
    curves: dict[str, list[float]] = field(default_factory=dict)
    variables: Sequence[np.ndarray] = ()
    best: Sequence[np.ndarray] = ()
    best_loss: float = np.inf
    waited: int = 0

    def add(self, figures: dict[str, float]) -> None:
        """Record an epoch with its loss and metrics."""
        self.epoch += 1
        for name, value in figures.items():
            self.curves.setdefault(name, []).append(value)


class Checkpoint:
    """The checkpoint file of one fit; without a path, nothing is saved. *number* counts the fits of a job from 1.

    *on_epochs* is called with the number of epochs after each epoch, and when a fit resumes after some.
    """

    def __init__(self, number: int, path: Path | None, writes: bool, on_epochs: Callable[[int], object]) -> None:
        self.number = number
        self._path = path
        self._writes = writes
        self._on_epochs = on_epochs

    def load(self, variables: Sequence[Any], weights: Sequence[Any]) -> State:
        """Return the last saved state, or an empty one if the fit has not started.

        A file that is damaged, or no state of a model with such *variables* and best *weights*, is told and passed
        over: then this fit alone begins again.
        """
        if self._path is None or not self._path.is_file():
            return State()
        try:
            state = _read(self._path, variables, weights)
        except _UNREADABLE as error:
            click.echo(f"  {self._path} is damaged or no state of this fit, which begins again: {error}")
            return State()
        self._on_epochs(state.epoch)
        return state

    def save(self, state: State) -> None:
        """Replace the file as a whole, or leave it as it was. Raises CannotSaveState."""
        self._on_epochs(1)
        if self._path is None or not self._writes:
            return
        try:
            _write(self._path, state)
        except OSError as error:
            raise CannotSaveState(self._path, error) from error


_UNREADABLE = (OSError, ValueError, KeyError, TypeError, EOFError, MemoryError, zipfile.BadZipFile, zlib.error)
"""What NumPy and the zip below it raise for files that they did not write."""


def _read(path: Path, variables: Sequence[Any], weights: Sequence[Any]) -> State:
    with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
        progress = json.loads(str(file["progress"]))
        state = State(**progress, variables=_arrays(file, "variables"), best=_arrays(file, "best"))
    _check("variables", state.variables, variables)
    if state.best:
        _check("best weights", state.best, weights)
    if not isinstance(state.epoch, int) or any(len(curve) != state.epoch for curve in state.curves.values()):
        raise ValueError("expected a value of each curve for each epoch")
    return state


def _check(what: str, found: Sequence[np.ndarray], expected: Sequence[Any]) -> None:
    shapes = [array.shape for array in found]
    if shapes != [tuple(variable.shape) for variable in expected]:
        raise ValueError(f"expected the {what} of this model, got {len(shapes)} arrays of other shapes")


def _write(path: Path, state: State) -> None:
    progress = {name: getattr(state, name) for name in ("epoch", "curves", "best_loss", "waited")}
    arrays = {f"{name}-{i}": a for name in ("variables", "best") for i, a in enumerate(getattr(state, name))}
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(".tmp")
    with aside.open("wb") as file:
        np.savez(file, progress=np.array(json.dumps(progress)), **arrays)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)


class Checkpoints:
    """The checkpoints of a job's fits in *folder*, by number: a job always runs its fits in the same order.

    Of several workers, only one *writes* them; all read them. *on_epochs* is called with the number of epochs as they
    are done, or found done.
    """

    def __init__(
        self,
        folder: Path | None = None,
        writes: bool = True,
        on_epochs: Callable[[int], object] = lambda epochs: None,
    ) -> None:
        self._folder = folder
        self._writes = writes
        self._on_epochs = on_epochs
        self._numbers = itertools.count(1)

    def next(self) -> Checkpoint:
        """Return the checkpoint of the next fit."""
        number = next(self._numbers)
        return Checkpoint(number, self._folder and self._folder / f"fit-{number}.npz", self._writes, self._on_epochs)

    def skip(self, fits: int) -> None:
        """Leave out the numbers of the next *fits*, which are not to be run."""
        for _ in range(fits):
            next(self._numbers)

    def clear(self) -> None:
        """Delete all checkpoints."""
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)


def _arrays(file: np.lib.npyio.NpzFile, name: str) -> list[np.ndarray]:
    count = sum(key.startswith(f"{name}-") for key in file.files)
    return [file[f"{name}-{index}"] for index in range(count)]
