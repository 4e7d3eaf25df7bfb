"""A dense layer over tf-idf.

A word's weight is the logarithm of its count times that of its rarity (Salton & Buckley 1988, "Term-weighting
approaches in automatic text retrieval"); the weights of each text are normalised.
"""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from training.networks.lite import RowByRow, is_traced_for_lite, unpadded, weighed_rows, word_counts

NORM = 7.0
"""Euclidean norm of a text's weights: in a text of about fifty words, a weight is about 1."""


@keras.saving.register_keras_serializable("plumbline")
class TfIdfDense(RowByRow, keras.layers.Layer):  # type: ignore[misc]
    """A dense layer over tf-idf: maps word ids `int32[batch, length]` to `float32[batch, units]`. Id 0 is padding.

    Of the *num_words* rows it reads only those of words that occur, so neither training nor serving multiplies by
    zeros. *dropout* is the share of words dropped in training, *l2* the penalty on the kernel.
    """

    def __init__(
        self,
        num_words: int,
        units: int,
        dropout: float = 0.0,
        l2: float = 0.0,
        initializer: str = "he_uniform",
        **options: Any,
    ) -> None:
        super().__init__(**{"dtype": "float32", **options})  # sparse matrix products need it
        self.num_words, self.units, self.dropout = num_words, units, dropout
        self.l2, self.initializer = l2, initializer

    def build(self, shape: Any) -> None:
        """Create the weights."""
        self.rarity = self.add_weight(shape=(self.num_words,), initializer="ones", trainable=False, name="rarity")
        self.kernel = self.add_weight(
            shape=(self.num_words, self.units),
            initializer=self.initializer,
            regularizer=keras.regularizers.L2(self.l2) if self.l2 else None,
            name="kernel",
        )
        self.bias = self.add_weight(shape=(self.units,), initializer="zeros", name="bias")

    def adapt(self, ids: np.ndarray) -> None:
        """Set each word's rarity from the number of texts in `ids: int32[n, length]` that contain it."""
        texts = np.bincount(np.concatenate([np.unique(row) for row in ids]), minlength=self.num_words)
        rarity = 1 + np.log((1 + len(ids)) / (1 + texts))
        rarity[0] = 0
        self.rarity.assign(rarity)

    def call(self, ids: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Return the product of the normalised tf-idf weights and the kernel, plus the bias."""
        if is_traced_for_lite():
            return self._in_lite(unpadded(ids))
        counts = tf.sparse.bincount(ids, minlength=self.num_words, maxlength=self.num_words, axis=-1)
        texts, words = counts.indices[:, 0], counts.indices[:, 1]
        weights = tf.math.log1p(tf.cast(counts.values, tf.float32)) * tf.gather(self.rarity, words)
        rows = tf.shape(ids, tf.int64)[0]
        squares = tf.math.unsorted_segment_sum(tf.square(weights), texts, rows)
        weights *= NORM * tf.gather(tf.math.rsqrt(tf.maximum(squares, 1e-9)), texts)
        if training:
            weights = tf.nn.dropout(weights, self.dropout)
        present = tf.SparseTensor(counts.indices, weights, [rows, self.num_words])
        return tf.ensure_shape(tf.sparse.sparse_dense_matmul(present, self.kernel) + self.bias, [None, self.units])

    def _in_lite(self, ids: tf.Tensor) -> tf.Tensor:
        """Return the same, computed by place: each place of a word has its share of the word's weight."""
        counts = tf.gather(word_counts(ids, self.num_words), ids, axis=1, batch_dims=1)
        weights = tf.math.log(1 + counts) * tf.gather(self.rarity, ids)
        squares = tf.reduce_sum(tf.square(weights) / counts, axis=1, keepdims=True)
        weights *= NORM * tf.math.rsqrt(tf.maximum(squares, 1e-9)) / counts
        return weighed_rows(weights, self.kernel, ids) + self.bias

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the shape of the output."""
        return (shape[0], self.units)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        settings: dict[str, Any] = {"num_words": self.num_words, "units": self.units, "dropout": self.dropout}
        settings |= {"l2": self.l2, "initializer": self.initializer}
        return {**super().get_config(), **settings}


def side_by_side(*layers: TfIdfDense) -> TfIdfDense:
    """Return a layer whose units are those of *layers*, which know the same words: it weighs them only once."""
    joined = TfIdfDense(layers[0].num_words, sum(layer.units for layer in layers))
    joined.build(None)
    joined.rarity.assign(layers[0].rarity)
    joined.kernel.assign(keras.ops.concatenate([layer.kernel for layer in layers], axis=1))
    joined.bias.assign(keras.ops.concatenate([layer.bias for layer in layers]))
    return joined
