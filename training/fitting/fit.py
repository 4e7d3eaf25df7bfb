"""Fitting a Keras model to a fold: epoch by epoch, with progress, early stopping, and a checkpoint after each.

The epochs are run here and not by `Model.fit`, which can't train under MultiWorkerMirroredStrategy
(https://github.com/keras-team/keras/issues/20585) and does not keep the state of Keras's random generators.
"""

import gc
import time
from dataclasses import dataclass
from typing import Any

import click
import keras
import numpy as np

from training.execution.checkpoints import Checkpoint, State
from training.fitting.epochs import Epochs
from training.problem_types import Problem
from training.task import Curves, Fold

LINES = 10
"""About so many lines of progress a fit: they read as well in a pod's log as in a terminal."""


@dataclass(frozen=True)
class Fit:
    """How long and in what steps to fit.

    With *patience*, it ends when the validation loss has not improved for so many epochs, with the best weights.
    """

    epochs: int
    batch_size: int
    patience: int = 0
    optimizer: Any = "rmsprop"

    def run(self, problem: Problem, model: keras.Model, fold: Fold, augment: Any = None) -> Curves:
        """Fit *model* to the fold's rows, in training changed by *augment*; give loss and metric by epoch.

        A fit that was begun before goes on from its checkpoint, and ends as if it had not been disturbed.
        """
        trained = model if augment is None else _augmented(model, augment)
        # Without XLA, unless asked for: TF Serving runs none by default, and should compute what training computed.
        jit = fold.execution.jit_compile
        trained.compile(self.optimizer, loss=problem.loss, metrics=[problem.metric], jit_compile=jit)
        trained.optimizer.build(trained.trainable_variables)
        checkpoint = fold.execution.checkpoints.next()
        state = checkpoint.load()
        self._train(trained, fold, checkpoint, state)
        gc.collect()  # the epochs are in a cycle with what they hold, which would wait until after the next fit's
        if state.best:
            _assign(trained.weights, state.best)
        return state.curves

    def _train(self, model: keras.Model, fold: Fold, checkpoint: Checkpoint, state: State) -> None:
        kept = [*model.variables, *model.optimizer.variables]  # of the random generators, too
        if state.epoch:
            click.echo(f"  goes on after {state.epoch} epochs")
            _assign(kept, state.variables)
        progress = Progress(self.epochs)
        seed = fold.execution.seed * 1009 + checkpoint.number
        epochs = Epochs(model, fold, self.batch_size, seed, first=state.epoch, last=self.epochs)
        stops = self.patience and fold.validation
        while state.epoch < self.epochs and not (stops and state.waited >= self.patience):
            state.add(epochs.train() | epochs.validate())
            if stops:
                _keep_best(state, model)
            state.variables = _values(kept)
            checkpoint.save(state)
            progress.tell(state)


class Progress:
    """Prints loss and metrics after about a tenth of the epochs each."""

    def __init__(self, epochs: int) -> None:
        self._epochs = epochs
        self._started = time.monotonic()

    def tell(self, state: State) -> None:
        """Print a line, if it is time for one."""
        if state.epoch % max(1, self._epochs // LINES) and state.epoch < self._epochs:
            return
        figures = "  ".join(f"{name} {values[-1]:.4f}" for name, values in state.curves.items())
        click.echo(f"  epoch {state.epoch}/{self._epochs}  {figures}  ({time.monotonic() - self._started:.0f} s)")


def _augmented(model: keras.Model, augment: Any) -> keras.Model:
    """Put *augment* before the pictures: what is served never has it."""
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
