"""The set of a text's words as a vector, and a dense layer over it."""

from typing import Any

import keras
import tensorflow as tf

from training.networks.lite import RowByRow, is_traced_for_lite, unpadded, weighed_rows, word_counts


@keras.saving.register_keras_serializable("plumbline")
class MultiHot(RowByRow, keras.layers.Layer):  # type: ignore[misc]
    """Maps word ids `int32[batch, length]` to `float32[batch, num_words - 1]`: 1 for each word that occurs.

    It is part of the network so that requests carry ids rather than 10,000 floats. Id 0 is padding, and has no column.
    """

    def __init__(self, num_words: int, **options: Any) -> None:
        super().__init__(**options)
        self.num_words = num_words

    def call(self, ids: tf.Tensor) -> tf.Tensor:
        """Return 1 for each id that occurs, else 0."""
        return multi_hot(ids, self.num_words)

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the shape of the output."""
        return (shape[0], self.num_words - 1)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "num_words": self.num_words}


@keras.saving.register_keras_serializable("plumbline")
class MultiHotDense(RowByRow, keras.layers.Dense):  # type: ignore[misc]
    """A dense layer over the multi-hot of word ids: maps `int32[batch, length]` to `[batch, units]`.

    It has the weights of a dense layer after `MultiHot`, and computes what that does. In LiteRT it reads only the
    weights of words that occur.
    """

    def __init__(self, num_words: int, units: int, activation: str | None = None, **options: Any) -> None:
        super().__init__(units, activation, **options)
        self.num_words = num_words

    def build(self, shape: Any) -> None:
        """Create the weights of a dense layer over `num_words - 1` inputs."""
        super().build((shape[0], self.num_words - 1))
        self.input_spec = keras.layers.InputSpec(ndim=2)

    def call(self, ids: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Return the outputs."""
        if not is_traced_for_lite():
            return super().call(tf.cast(multi_hot(ids, self.num_words), self.compute_dtype), training)
        ids = unpadded(ids)
        counts = tf.gather(word_counts(ids, self.num_words), ids, axis=1, batch_dims=1)
        shares = tf.cast(ids > 0, tf.float32) / counts  # the places of a word sum up to 1
        return self.activation(weighed_rows(shares, self.kernel, tf.maximum(ids - 1, 0)) + self.bias)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "num_words": self.num_words}


def multi_hot(ids: tf.Tensor, num_words: int) -> tf.Tensor:
    """Return 1 for each of the words from 1 to *num_words* - 1 that is in a row of *ids*, else 0."""
    if is_traced_for_lite():
        return tf.minimum(word_counts(unpadded(ids), num_words), 1)[:, 1:]
    # Measured on two cores, 512 texts: 5 ms, against 13 ms for a sum of embedding rows and 20 ms for a scatter.
    counts = tf.math.bincount(
        ids, minlength=num_words, maxlength=num_words, axis=-1, binary_output=True, dtype=tf.float32
    )
    return tf.ensure_shape(counts[:, 1:], [None, num_words - 1])
