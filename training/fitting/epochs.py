"""The epochs of one fit: in each, the rows are shuffled, batched, distributed over the replicas, and trained on.

The order depends only on seed and epoch, so that a fit can resume after any epoch.
"""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from training.data.features import tensor_of
from training.task import Fold

SCORED_ROWS = 64
"""Batch size where nothing is trained: larger batches of images would need more memory than training does."""

_AHEAD = 2
"""So many batches are gathered ahead: each is a copy in memory, and TensorFlow's own choice goes by the machine's."""


class Epochs:
    """Trains a compiled and built *model* on the rows of *fold*, and validates it, from epoch *first* to *last*."""

    def __init__(self, model: keras.Model, fold: Fold, batch_size: int, seed: int, first: int, last: int) -> None:
        self._model = model
        self._strategy = fold.execution.strategy
        rows, replicas = fold.rows, self._strategy.num_replicas_in_sync
        share = min(batch_size, rows) // replicas
        # In each step, all replicas need equally many rows; with a single replica, the last step takes what is left.
        self._steps = -(-rows // share) if replicas == 1 else rows // (share * replicas)
        _build_metrics(model, fold.targets)
        jit = fold.execution.jit_compile
        self._train_step, self._test_step = self._step(model.train_step, jit), self._step(model.test_step, jit)

        def batches(context: tf.distribute.InputContext) -> tf.data.Dataset:
            taken = context.num_replicas_in_sync // context.num_input_pipelines * self._steps

            def of_epoch(epoch: tf.Tensor) -> tf.data.Dataset:
                order = tf.random.experimental.stateless_shuffle(tf.range(rows), [seed, tf.cast(epoch, tf.int32)])
                own = order[context.input_pipeline_id :: context.num_input_pipelines]
                return tf.data.Dataset.from_tensor_slices(own).batch(share).take(taken)

            numbers = tf.data.Dataset.range(first, last).flat_map(of_epoch)
            return _in_place(numbers.map(_gather(fold.features, fold.targets), _AHEAD).prefetch(_AHEAD))

        self._batches = iter(self._strategy.distribute_datasets_from_function(batches))
        self._validation = fold.validation and _in_order(*fold.validation)

    def train(self) -> dict[str, float]:
        """Run the next epoch. Return loss and metric."""
        self._model.reset_metrics()
        for _ in range(self._steps):
            self._train_step(self._batches)
        if self._strategy.num_replicas_in_sync > 1:
            self._synchronise()
        return self._figures()

    def validate(self) -> dict[str, float]:
        """Return loss and metric on the validation rows as `val_...`; empty if there are none."""
        if self._validation is None:
            return {}
        self._model.reset_metrics()
        batches = iter(self._validation)
        for _ in range(len(self._validation)):
            self._test_step(batches)
        return {f"val_{name}": value for name, value in self._figures().items()}

    def _step(self, step: Callable[[Any], Any], jit_compile: bool) -> Any:
        compiled = tf.function(step, jit_compile=jit_compile)

        @tf.function  # type: ignore[untyped-decorator]
        def on_all_replicas(batches: Any) -> None:
            self._strategy.run(compiled, (next(batches),))

        return on_all_replicas

    def _synchronise(self) -> None:
        """Average what each replica keeps for itself: the moving averages of BatchNorm."""
        for variable in self._model.non_trainable_weights:
            value = self._strategy.run(lambda own=variable: tf.identity(own.value))
            variable.assign(self._strategy.reduce("MEAN", value, axis=None))

    def _figures(self) -> dict[str, float]:
        return {name: float(value) for name, value in self._model.get_metrics_result().items()}


def _build_metrics(model: keras.Model, targets: Any) -> None:
    """Make their variables, which would otherwise be made within a step."""
    first = tf.nest.map_structure(lambda array: array[:1], targets)
    scores = tf.nest.map_structure(lambda output: np.zeros((1, *output.shape[1:]), np.float32), model.output)
    model.compute_metrics(None, first, scores)


def _in_order(features: Any, targets: Any) -> tf.data.Dataset:
    rows = tf.data.Dataset.range(len(next(iter(features.values())))).batch(SCORED_ROWS)
    return _in_place(rows.map(_gather(features, targets)).prefetch(_AHEAD))


def _in_place(dataset: tf.data.Dataset) -> tf.data.Dataset:
    """Return *dataset* without TensorFlow's optimizations, which begin with a copy of all arrays that it reads."""
    options = tf.data.Options()
    options.experimental_optimization.apply_default_optimizations = False
    options.autotune.enabled = False
    return dataset.with_options(options)


def _gather(features: Any, targets: Any) -> Callable[[tf.Tensor], Any]:
    rows = tf.nest.map_structure(tensor_of, (dict(features), targets))
    return lambda numbers: tf.nest.map_structure(lambda array: tf.gather(array, numbers), rows)
