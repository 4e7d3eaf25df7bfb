"""Fitting a Keras model to a fold, epoch by epoch, with progress, early stopping, and checkpoints.

The epochs are run here rather than by `Model.fit`, which can't train under MultiWorkerMirroredStrategy
(https://github.com/keras-team/keras/issues/20585) and does not save the state of Keras's random generators.
"""

import gc
import math
import time
from dataclasses import dataclass
from typing import Any

import click
import keras
import numpy as np

from training.errors import TrainingError
from training.execution.checkpoints import Checkpoint, State
from training.fitting.epochs import Epochs
from training.fitting.losses import loss_of, metrics_of
from training.problem_types import Problem
from training.task import Curves, Fold

_TOLD = ("loss", "val_loss")
"""Losses that are told; those of single outputs are not."""

SAVE_SECONDS = 1.0
"""Epochs that are shorter are not all saved: the disk would take longer than they, and more than a second's work is
never lost."""

PROGRESS_LINES = 10
"""Approximate number of progress lines a fit: readable both in a pod's log and in a terminal."""


class Diverged(TrainingError):
    """A loss became NaN or infinite."""

    def __init__(self, epoch: int, name: str, value: float) -> None:
        super().__init__(
            f"training has diverged: in epoch {epoch} the {name} is {value}, so no further epoch can learn anything: "
            "lower the learning rate, or look for extreme values in the data"
        )


@dataclass(frozen=True)
class Fit:
    """How to fit a model: number of epochs, batch size, and optimizer.

    With *patience*, a fit stops once the validation loss has not improved for that many epochs, and keeps the best
    weights.
    """

    epochs: int
    batch_size: int
    patience: int = 0
    optimizer: Any = "rmsprop"

    def run(self, problem: Problem, model: keras.Model, fold: Fold, augment: Any = None) -> Curves:
        """Fit *model* to the fold's rows. Return loss and metric by epoch.

        *augment* is a layer that changes the training images. An interrupted fit resumes from its checkpoint, and ends
        as if it had not been interrupted. Raises Diverged.
        """
        trained = model if augment is None else _augmented(model, augment)
        # Without XLA unless requested: TF Serving uses none by default, and must compute what training computed.
        jit = fold.execution.jit_compile
        trained.compile(self.optimizer, loss=loss_of(problem), metrics=metrics_of(problem), jit_compile=jit)
        trained.optimizer.build(trained.trainable_variables)
        checkpoint = fold.execution.checkpoints.next()
        kept = [*trained.variables, *trained.optimizer.variables]  # including those of the random generators
        state = checkpoint.load(kept, trained.weights)
        self._train(trained, kept, fold, checkpoint, state)
        gc.collect()  # the epochs are in reference cycles: without this, their data would stay during the next fit
        if state.best:
            _assign(trained.weights, state.best)
        return state.curves

    def _train(self, model: keras.Model, kept: list[Any], fold: Fold, checkpoint: Checkpoint, state: State) -> None:
        if state.epoch:
            click.echo(f"  resuming after {state.epoch} epochs")
            _assign(kept, state.variables)
        progress = Progress(self.epochs)
        seed = fold.execution.seed * 1009 + checkpoint.number
        epochs = Epochs(model, fold, self.batch_size, seed, first=state.epoch)
        stops, saved = self.patience and fold.validation, -math.inf
        # Reading the variables of several workers needs all of them, so that their clocks may not decide.
        seconds = SAVE_SECONDS if fold.execution.strategy.num_replicas_in_sync == 1 else 0
        while state.epoch < self.epochs and not (stops and state.waited >= self.patience):
            state.add(_finite(epochs.train() | epochs.validate(), state.epoch + 1))
            if stops:
                _keep_best(state, model)
            if time.monotonic() - saved >= seconds or state.epoch == self.epochs:
                state.variables = _values(kept)
                checkpoint.save(state)
                saved = time.monotonic()
            progress.report(state)


class Progress:
    """Prints loss and metrics about ten times during a fit."""

    def __init__(self, epochs: int) -> None:
        self._epochs = epochs
        self._started = time.monotonic()

    def report(self, state: State) -> None:
        """Print a line if one is due."""
        if state.epoch % max(1, self._epochs // PROGRESS_LINES) and state.epoch < self._epochs:
            return
        told = {
            name: values[-1] for name, values in state.curves.items() if not name.endswith("_loss") or name in _TOLD
        }
        figures = "  ".join(f"{name} {value:.4f}" for name, value in told.items())
        click.echo(f"  epoch {state.epoch}/{self._epochs}  {figures}  ({time.monotonic() - self._started:.0f} s)")


def _finite(figures: dict[str, float], epoch: int) -> dict[str, float]:
    """Return *figures*; raises Diverged if a loss is none, as then are all that would follow."""
    for name in _TOLD:
        if not math.isfinite(figures.get(name, 0.0)):
            raise Diverged(epoch, name, figures[name])
    return figures


def _augmented(model: keras.Model, augment: Any) -> keras.Model:
    """Return a model that applies *augment* to the images first; *model* itself, which is served, never does."""
    inputs = {
        tensor.name: keras.Input(tensor.shape[1:], dtype=tensor.dtype, name=tensor.name) for tensor in model.inputs
    }
    return keras.Model(inputs, model({**inputs, "image": augment(inputs["image"])}))


def _keep_best(state: State, model: keras.Model) -> None:
    state.waited += 1
    if (loss := state.curves["val_loss"][-1]) < state.best_loss:
        state.best, state.best_loss, state.waited = _values(model.weights), loss, 0


def _values(variables: Any) -> list[np.ndarray]:
    return [variable.numpy() for variable in variables]


def _assign(variables: Any, values: Any) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
