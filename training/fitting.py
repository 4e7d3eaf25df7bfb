"""Fitting a Keras model to a fold: compiled for the problem, with progress, early stopping, and its curves kept."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import click
import keras

from training.problems import Problem
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

    def run(self, problem: Problem, model: keras.Model, fold: Fold, batches: Any = None) -> Curves:
        """Fit *model* to the fold's rows, or to *batches* made of them; give loss and metric by epoch."""
        # Without XLA: TF Serving runs no XLA by default, and training should compute what serving computes.
        model.compile(self.optimizer, loss=problem.loss, metrics=[problem.metric], jit_compile=False)
        rows: Mapping[str, Any] = {"x": fold.features, "y": fold.targets, "batch_size": self.batch_size}
        if batches is not None:
            rows = {"x": batches, "shuffle": False}  # whoever makes batches shuffles
        history = model.fit(
            **rows,
            validation_data=fold.validation,
            epochs=self.epochs,
            verbose=0,
            callbacks=[Progress(), *self._early_stopping(fold)],
        )
        curves: Curves = history.history
        return curves

    def _early_stopping(self, fold: Fold) -> list[keras.callbacks.Callback]:
        if not self.patience or fold.validation is None:
            return []
        return [keras.callbacks.EarlyStopping("val_loss", patience=self.patience, restore_best_weights=True)]


class Progress(keras.callbacks.Callback):  # type: ignore[misc]
    """Prints loss and metrics after about a tenth of the epochs each."""

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Start the clock."""
        self._started = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Print a line, if it is time for one."""
        epochs = self.params["epochs"]
        if (epoch + 1) % max(1, epochs // LINES) and epoch + 1 < epochs:
            return
        figures = "  ".join(f"{name} {value:.4f}" for name, value in (logs or {}).items())
        click.echo(f"  epoch {epoch + 1}/{epochs}  {figures}  ({time.monotonic() - self._started:.0f} s)")
