"""What the frozen part of a base computes of each picture: once, and kept, so that learning from it is fast."""

import click
import keras
import numpy as np
import tensorflow as tf

from serving.contract.arrays import Array
from training.data.features import aligned
from training.errors import BadRequest
from training.fitting.epochs import SCORED_ROWS

LARGEST = float(np.finfo(np.float16).max)
"""Features are kept in half precision, with half the memory; a value beyond it would be infinite."""


def split(base: keras.Model, top_layers: int) -> tuple[keras.Model, keras.Model]:
    """Cut a base in two that share its layers: the upper one has at least *top_layers* of them.

    Where several tensors cross (a residual connection, say), the cut is the next one below that only one crosses.
    Raises BadRequest if there is none.
    """
    for layer in base.layers[-top_layers - 1 : 0 : -1]:
        try:
            return keras.Model(base.input, layer.output), keras.Model(layer.output, base.output)
        except ValueError:  # something else leads to the output, too
            continue
    raise BadRequest(
        f"{base.name} has {len(base.layers)} layers: expected top_layers that leave some, got {top_layers}"
    )


def features_of(model: keras.Model, pictures: Array, mirrored: bool = False) -> Array:
    """Compute what *model* gives for each picture, then, if *mirrored*, for each mirror image: `float16[rows, ...]`."""
    copies = [pictures, pictures[:, :, ::-1]] if mirrored else [pictures]
    click.echo(f"  computing the features of {len(copies) * len(pictures)} pictures")

    @tf.function  # type: ignore[untyped-decorator]
    def features(batch: tf.Tensor) -> tf.Tensor:
        values = tf.cast(model(batch, training=False), tf.float32)
        return tf.cast(tf.clip_by_value(values, -LARGEST, LARGEST), tf.float16)

    kept = aligned((len(copies), len(pictures), *model.output_shape[1:]), np.float16)
    for copy, images in zip(kept, copies, strict=True):
        for start in range(0, len(images), SCORED_ROWS):
            rows = slice(start, start + SCORED_ROWS)
            copy[rows] = features(tf.constant(images[rows]))
    return kept.reshape(-1, *kept.shape[2:])
