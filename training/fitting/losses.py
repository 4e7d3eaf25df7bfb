"""Losses and metrics that Keras does not have by name, or has otherwise than the problem types measure them."""

from typing import Any

import keras
import tensorflow as tf

from training.problem_types import Classes, MultiOutput, Problem, Quantiles, Regression


def loss_of(problem: Problem) -> Any:
    """Return what `compile` takes as the loss of *problem*; by output if there are several."""
    if isinstance(problem, MultiOutput):
        return {name: loss_of(part) for name, (part, _) in problem.parts.items()}
    if isinstance(problem, Quantiles) and problem.loss == "pinball":
        return Pinball(problem.levels, problem.scale or (1.0,))
    if isinstance(problem, Regression) and problem.scale and problem.loss == "mse":
        return StandardisedSquares(problem.scale)
    if isinstance(problem, Classes) and problem.weights:
        return WeightedClasses(problem.loss, problem.weights)
    return problem.loss


def metrics_of(problem: Problem) -> Any:
    """Return what `compile` takes as the metrics of *problem*; by output if there are several."""
    if isinstance(problem, MultiOutput):
        return {name: metrics_of(part) for name, (part, _) in problem.parts.items()}
    if isinstance(problem, Quantiles):
        return [keras.metrics.MeanMetricWrapper(Pinball(problem.levels, (1.0,)).call, name=problem.metric)]
    if problem.metric == "macro_f1":
        return [MacroF1(name=problem.metric)]
    if problem.metric == "balanced_accuracy":
        return [BalancedAccuracy(name=problem.metric)]
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


class WeightedClasses(keras.losses.Loss):  # type: ignore[misc]
    """The *loss* called so, of each row times the weight of its class."""

    def __init__(self, loss: str, weights: tuple[float, ...]) -> None:
        super().__init__(name=loss)
        self._loss, self._weights = keras.losses.get(loss), weights

    def call(self, targets: Any, scores: Any) -> Any:
        """Return the loss of each row."""
        targets = keras.ops.reshape(targets, (*keras.ops.shape(scores)[:-1], 1))
        unseen = (0.0,) * (max(2, scores.shape[-1]) - len(self._weights))  # classes that no training row has
        weights = keras.ops.convert_to_tensor((*self._weights, *unseen), scores.dtype)
        of_rows = keras.ops.take(weights, keras.ops.cast(targets[..., 0], "int32"))
        return self._loss(targets, scores) * of_rows


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


class BalancedAccuracy(keras.metrics.Metric):  # type: ignore[misc]
    """The share of right answers of each class, averaged over the classes that have a row."""

    def __init__(self, name: str) -> None:
        super().__init__(name=name)
        self._classes = 0

    def _build(self, scores: Any) -> None:
        """Make a count of right answers and of rows for each class; a single score is that of the second of two."""
        self._classes = max(2, scores.shape[-1])
        shape = {"shape": (self._classes,), "initializer": "zeros"}
        self.hits, self.rows = self.add_weight(**shape, name="hits"), self.add_weight(**shape, name="rows")

    def update_state(self, targets: Any, scores: Any, sample_weight: Any = None) -> None:
        """Add the rows of a batch, those of each member if there are several."""
        scores = _rows(scores)
        if not self._classes:
            self._build(scores)
        targets = keras.ops.cast(keras.ops.reshape(targets, (-1,)), "int32")
        answered = scores[:, 0] >= 0.5 if scores.shape[-1] == 1 else keras.ops.argmax(scores, axis=-1)
        right = keras.ops.cast(keras.ops.cast(answered, "int32") == targets, "float32")
        of_class = keras.ops.one_hot(targets, self._classes)
        self.rows.assign_add(keras.ops.sum(of_class, axis=0))
        self.hits.assign_add(keras.ops.sum(of_class * right[:, None], axis=0))

    def result(self) -> Any:
        """Return the mean."""
        if not self._classes:
            return 0.0
        shares = tf.math.divide_no_nan(self.hits.value, self.rows.value)
        seen = tf.cast(self.rows.value > 0, shares.dtype)
        return tf.math.divide_no_nan(tf.reduce_sum(shares), tf.reduce_sum(seen))

    def reset_state(self) -> None:
        """Forget all rows."""
        for variable in self.variables:
            variable.assign(keras.ops.zeros_like(variable))


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
