"""The epochs of one fit: in each, the rows are shuffled, batched, distributed over the replicas, and trained on.

The order depends only on seed and epoch, so that a fit can resume after any epoch.
"""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from training.data.features import tensor_of
from training.fitting.steps import Steps
from training.task import Fold

SCORED_BYTES = 1 << 20
"""Bytes of features in a batch where nothing is trained: a larger one of images would need more memory than training
does. In smaller ones of numbers or words, there would be more calls than arithmetic."""


class Epochs:
    """Trains a compiled and built *model* on the rows of *fold*, and validates it, from epoch *first* on."""

    def __init__(self, model: keras.Model, fold: Fold, batch_size: int, seed: int, first: int) -> None:
        self._model = model
        self._strategy = fold.execution.strategy
        self._rows, self._versions, self._seed, self._epoch = fold.rows, fold.versions, seed, first
        replicas = self._strategy.num_replicas_in_sync
        share = min(batch_size, self._rows) // replicas
        # In each step, all replicas need equally many rows; with a single replica, the last step takes what is left.
        self._steps = -(-self._rows // share) if replicas == 1 else self._rows // (share * replicas)
        _build_losses_and_metrics(model, fold.targets)
        jit = fold.execution.jit_compile
        train = _Batches(fold.features, fold.targets, share, replicas)
        self._train_steps = self._steps_of(tf.function(model.train_step, jit_compile=jit), train.own)
        self._validation_rows = 0
        if fold.validation:
            scored = _Batches(*fold.validation, scored_rows(fold.validation[0]))
            self._validation_rows, self._validation_steps = scored.rows, scored.count
            self._test_steps = self._steps_of(tf.function(model.test_step, jit_compile=jit), scored.all)

    def train(self) -> dict[str, float]:
        """Run the next epoch. Return loss and metric."""
        self._model.reset_metrics()
        order = tf.random.experimental.stateless_shuffle(tf.range(self._rows), [self._seed, self._epoch])
        self._train_steps(order + self._rows * (self._epoch % self._versions), self._steps)
        self._epoch += 1
        if self._strategy.num_replicas_in_sync > 1:
            self._synchronise()
        return self._figures()

    def validate(self) -> dict[str, float]:
        """Return loss and metric on the validation rows as `val_...`; empty if there are none."""
        if not self._validation_rows:
            return {}
        self._model.reset_metrics()
        self._test_steps(tf.range(self._validation_rows), self._validation_steps)
        return {f"val_{name}": value for name, value in self._figures().items()}

    def _steps_of(self, step: Callable[[Any], Any], batch: Callable[[tf.Tensor, tf.Tensor], Any]) -> Steps:
        def on_all_replicas(order: tf.Tensor, number: tf.Tensor) -> None:
            self._strategy.run(step, (self._strategy.run(batch, (order, number)),))

        return Steps(on_all_replicas)

    def _synchronise(self) -> None:
        """Average what each replica keeps for itself: the moving averages of BatchNorm."""
        for variable in self._model.non_trainable_weights:
            value = self._strategy.run(lambda own=variable: tf.identity(own.value))
            variable.assign(self._strategy.reduce("MEAN", value, axis=None))

    def _figures(self) -> dict[str, float]:
        return {name: float(value) for name, value in self._model.get_metrics_result().items()}


def scored_rows(features: Any) -> int:
    """Return the size of batches where nothing is trained."""
    row = sum(int(array[:1].nbytes) for array in features.values())
    return min(max(SCORED_BYTES // max(1, row), 16), 256)


class _Batches:
    """Batches of *size* rows, of which each of the *replicas* takes its own. They are gathered within the graph."""

    def __init__(self, features: Any, targets: Any, size: int, replicas: int = 1) -> None:
        self._arrays = tf.nest.map_structure(tensor_of, (dict(features), targets))
        self.rows = len(next(iter(features.values())))
        self._size, self._replicas = size, replicas
        self.count = -(-self.rows // size)

    def own(self, order: tf.Tensor, number: tf.Tensor) -> Any:
        """Return the batch that this replica takes in the step with the *number*."""
        replica = tf.distribute.get_replica_context().replica_id_in_sync_group
        return self.all(order, number * self._replicas + replica)

    def all(self, order: tf.Tensor, number: tf.Tensor) -> Any:
        """Return the batch with the *number*."""
        with tf.device("CPU"):
            rows = order[number * self._size : (number + 1) * self._size]
            return tf.nest.map_structure(lambda array: tf.gather(array, rows), self._arrays)


def _build_losses_and_metrics(model: keras.Model, targets: Any) -> None:
    """Make what they keep, which would otherwise be made within a step."""
    first = tf.nest.map_structure(lambda array: array[:1], targets)
    scores = tf.nest.map_structure(lambda output: np.zeros((1, *output.shape[1:]), np.float32), model.output)
    model.compute_metrics(None, first, scores)
    model.compute_loss(None, first, scores)
