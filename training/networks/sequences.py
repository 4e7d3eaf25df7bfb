"""Layers for sequences of any length: which steps count, their mean, and what they are relative to."""

from typing import Any

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("plumbline")
class KnownIds(keras.layers.Layer):  # type: ignore[misc]
    """Replaces ids that no training row had by *padding*: `int[batch, ...]` -> `int32[batch, ...]` below *size*.

    No embedding was learnt for them, and one outside the table would fail the whole batch.
    """

    def __init__(self, size: int, padding: int, **options: Any) -> None:
        super().__init__(**options)
        self.size = size
        self.padding = padding

    def call(self, ids: tf.Tensor) -> tf.Tensor:
        """Return the ids."""
        known = tf.logical_and(ids >= 0, ids < self.size)
        return tf.cast(tf.where(known, ids, tf.cast(self.padding, ids.dtype)), tf.int32)

    def compute_output_spec(self, ids: Any) -> keras.KerasTensor:
        """Return shape and type of the output."""
        return keras.KerasTensor(ids.shape, "int32")

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "size": self.size, "padding": self.padding}


@keras.saving.register_keras_serializable("plumbline")
class Differs(keras.layers.Layer):  # type: ignore[misc]
    """Tells which steps count: those of `[batch, steps]` or `[batch, steps, channels]` that aren't all *value*."""

    def __init__(self, value: int, **options: Any) -> None:
        super().__init__(autocast=False, **options)
        self.value = value

    def call(self, steps: tf.Tensor) -> tf.Tensor:
        """Return `bool[batch, steps]`."""
        differs = tf.not_equal(steps, tf.cast(self.value, steps.dtype))
        return differs if len(steps.shape) == 2 else tf.reduce_any(differs, axis=-1)

    def compute_output_spec(self, steps: Any) -> keras.KerasTensor:
        """Return shape and type of the output."""
        return keras.KerasTensor(steps.shape[:2], "bool")

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "value": self.value}


@keras.saving.register_keras_serializable("plumbline")
class MaskedMean(keras.layers.Layer):  # type: ignore[misc]
    """Maps `[batch, steps, channels]` to the mean of the steps that count; zeros where none does."""

    def call(self, steps: tf.Tensor, counts: tf.Tensor) -> tf.Tensor:
        """Return `[batch, channels]`."""
        weights = tf.cast(counts, steps.dtype)[:, :, None]
        return tf.reduce_sum(steps * weights, axis=1) / tf.maximum(tf.reduce_sum(weights, axis=1), 1)

    def compute_output_spec(self, steps: Any, counts: Any) -> keras.KerasTensor:
        """Return shape and type of the output."""
        return keras.KerasTensor((steps.shape[0], steps.shape[2]), self.compute_dtype)


@keras.saving.register_keras_serializable("plumbline")
class Masked(keras.layers.Layer):  # type: ignore[misc]
    """Sets the steps of `[batch, steps, channels]` that don't count to zero."""

    def call(self, steps: tf.Tensor, counts: tf.Tensor) -> tf.Tensor:
        """Return `[batch, steps, channels]`."""
        return steps * tf.cast(counts, steps.dtype)[:, :, None]

    def compute_output_spec(self, steps: Any, counts: Any) -> keras.KerasTensor:
        """Return shape and type of the output."""
        return keras.KerasTensor(steps.shape, self.compute_dtype)


@keras.saving.register_keras_serializable("plumbline")
class LastStep(keras.layers.Layer):  # type: ignore[misc]
    """Maps `[batch, steps, channels]` to the last step that counts; to the first where none does."""

    def call(self, steps: tf.Tensor, counts: tf.Tensor) -> tf.Tensor:
        """Return `[batch, channels]`."""
        places = tf.range(tf.shape(steps)[1])
        last = tf.reduce_max(tf.where(counts, places, 0), axis=1)
        return tf.gather(steps, last, axis=1, batch_dims=1)

    def compute_output_spec(self, steps: Any, counts: Any) -> keras.KerasTensor:
        """Return shape and type of the output."""
        return keras.KerasTensor((steps.shape[0], steps.shape[2]), self.compute_dtype)
