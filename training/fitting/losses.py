"""Losses and metrics that Keras does not have by name, or has otherwise than the problem types measure them."""

from typing import Any

import keras
import tensorflow as tf

from training.problem_types import MultiOutput, Problem, Quantiles, Regression


def loss_of(problem: Problem) -> Any:
    """Return what `compile` takes as the loss of *problem*; by output if there are several."""
    if isinstance(problem, MultiOutput):
        return {name: loss_of(part) for name, (part, _) in problem.parts.items()}
    if isinstance(problem, Quantiles) and problem.loss == "pinball":
        return Pinball(problem.levels, problem.scale or (1.0,))
    if isinstance(problem, Regression) and problem.scale and problem.loss == "mse":
        return StandardisedSquares(problem.scale)
    return problem.loss


def metrics_of(problem: Problem) -> Any:
    """Return what `compile` takes as the metrics of *problem*; by output if there are several."""
    if isinstance(problem, MultiOutput):
        return {name: metrics_of(part) for name, (part, _) in problem.parts.items()}
    if isinstance(problem, Quantiles):
        return [keras.metrics.MeanMetricWrapper(Pinball(problem.levels, (1.0,)).call, name=problem.metric)]
    if problem.metric == "macro_f1":
        return [MacroF1(name=problem.metric)]
    if problem.metric == "r2":
        return [MeanR2(name=problem.metric)]
    return [problem.metric]


class StandardisedSquares(keras.losses.Loss):  # type: ignore[misc]
    """Mean squared error in units of *scale*, one for each column."""

    def __init__(self, scale: tuple[float, ...]) -> None:
        super().__init__(name="mse")
        self._scale = scale

    def call(self, targets: Any, scores: Any) -> Any:
        """Return the loss of each row."""
        targets = keras.ops.reshape(keras.ops.cast(targets, scores.dtype), keras.ops.shape(scores))
        errors = (targets - scores) / keras.ops.convert_to_tensor(self._scale, scores.dtype)
        return keras.ops.mean(keras.ops.square(errors), axis=-1)


class Pinball(keras.losses.Loss):  # type: ignore[misc]
    """The pinball loss of the quantiles *levels*, in units of *scale* (Koenker & Bassett 1978)."""

    def __init__(self, levels: tuple[float, ...], scale: tuple[float, ...]) -> None:
        super().__init__(name="pinball")
        self._levels, self._scale = levels, scale

    def call(self, targets: Any, scores: Any) -> Any:
        """Return the loss of each row, averaged over the levels."""
        targets = keras.ops.cast(targets, scores.dtype)
        errors = (targets if len(targets.shape) == len(scores.shape) else targets[..., None]) - scores
        levels = keras.ops.convert_to_tensor(self._levels, scores.dtype)
        losses = keras.ops.maximum(levels * errors, (levels - 1) * errors)
        return keras.ops.mean(losses, axis=-1) / self._scale[0]


class MacroF1(keras.metrics.F1Score):  # type: ignore[misc]
    """Keras's F1 at 0.5, averaged over the tags that were true or answered at least once, as `Multilabel` does."""

    def __init__(self, **options: Any) -> None:
        super().__init__(average=None, threshold=0.5 - 1e-7, **options)  # Keras's must be exceeded, ours reached

    def update_state(self, targets: Any, scores: Any, sample_weight: Any = None) -> None:
        """Count the rows, those of each member if there are several."""
        super().update_state(_rows(targets), _rows(scores), sample_weight)

    def result(self) -> Any:
        """Return the mean."""
        seen = self.true_positives + self.false_positives + self.false_negatives
        f1 = tf.math.divide_no_nan(2 * self.true_positives, seen + self.true_positives)
        return tf.math.divide_no_nan(tf.reduce_sum(f1), tf.reduce_sum(tf.cast(seen > 0, f1.dtype)))


class MeanR2(keras.metrics.R2Score):  # type: ignore[misc]
    """Keras's R2, averaged over the numbers, and over members as over rows if there are several."""

    def update_state(self, targets: Any, scores: Any, sample_weight: Any = None) -> None:
        """Count the rows."""
        super().update_state(_rows(targets), _rows(scores), sample_weight)


def _rows(array: Any) -> Any:
    return keras.ops.reshape(array, (-1, array.shape[-1]))
