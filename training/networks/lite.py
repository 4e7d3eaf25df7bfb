"""Layers that compute differently in LiteRT: which way a graph goes is decided while it is traced.

TensorFlow counts words by operations that LiteRT does not have. What LiteRT has instead is slower in TensorFlow, so
such layers know both ways, with the same weights and the same results.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import keras
import tensorflow as tf

_traced: ContextVar[bool] = ContextVar("traced for LiteRT", default=False)


@contextmanager
def traced_for_lite() -> Iterator[None]:
    """Have the graphs that are traced meanwhile compute by operations of LiteRT."""
    token = _traced.set(True)
    try:
        yield
    finally:
        _traced.reset(token)


def is_traced_for_lite() -> bool:
    """Return whether the graph that is being traced is for LiteRT."""
    return _traced.get()


class RowByRow:
    """Marks layers that LiteRT computes row by row, each in the time that its own length takes.

    LiteRT writes what it gathers to memory, and allocates it anew for each call: for a batch of texts as long as its
    longest, that takes several times as long as the texts one by one.
    """


ROW_BY_ROW = (RowByRow, keras.layers.RNN, keras.layers.Bidirectional)
"""Of recurrent layers, LiteRT's converter can only take those whose states have a shape that is known."""


def has_row_by_row(model: Any) -> bool:
    """Return whether LiteRT is to compute *model* row by row: because of one of its layers, or of a model in it."""
    return any(isinstance(layer, ROW_BY_ROW) or has_row_by_row(layer) for layer in getattr(model, "layers", ()))


def unpadded(ids: tf.Tensor, least: int = 1) -> tf.Tensor:
    """Return `ids: [batch, length]` without the columns after the last id that is not 0; at least *least* columns."""
    places = tf.range(1, ids.shape[1] + 1)
    return ids[:, : tf.maximum(tf.reduce_max(places * tf.cast(ids > 0, tf.int32)), least)]


def word_counts(ids: tf.Tensor, size: int) -> tf.Tensor:
    """Return how often each id below *size* is in its row: `float32[batch, size]`."""
    rows = tf.shape(ids)[0]
    places = ids + tf.expand_dims(tf.range(rows) * size, 1)
    counts = tf.scatter_nd(tf.reshape(places, [-1, 1]), tf.ones([tf.size(ids)]), [rows * size])
    return tf.reshape(counts, [rows, size])


def weighed_rows(weights: tf.Tensor, table: Any, numbers: tf.Tensor) -> tf.Tensor:
    """Return the sums of the rows *numbers* of *table*, by `weights: float32[batch, n]`: `float32[batch, width]`."""
    rows = tf.gather(table, numbers)
    # Not a matrix product: LiteRT would first copy the rows into the order that its product wants.
    return tf.reduce_sum(tf.expand_dims(tf.cast(weights, rows.dtype), 2) * rows, axis=1)
