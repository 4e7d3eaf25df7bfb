"""The features that the frozen part of a base computes for each image: once, so that training on them is fast."""

import click
import keras
import numpy as np
import tensorflow as tf

from serving.contract.arrays import Array
from training.data.features import aligned
from training.errors import BadRequest
from training.fitting.epochs import SCORED_ROWS

MAX_FEATURE = float(np.finfo(np.float16).max)
"""Features are kept in half precision, in half the memory; a larger value would become infinite."""


def split(base: keras.Model, top_layers: int) -> tuple[keras.Model, keras.Model]:
    """Split a base into two models that share its layers; the upper one has at least *top_layers* of them.

    A cut must cross a single tensor. Where it crosses several, such as at a residual connection, the next lower cut is
    tried. Raises BadRequest if there is none.
    """
    for layer in base.layers[-top_layers - 1 : 0 : -1]:
        try:
            return keras.Model(base.input, layer.output), keras.Model(layer.output, base.output)
        except ValueError:  # another tensor leads to the output as well
            continue
    raise BadRequest(
        f"{base.name} has {len(base.layers)} layers: expected top_layers that leave some frozen, got {top_layers}"
    )


def features_of(model: keras.Model, images: Array, mirrored: bool = False) -> Array:
    """Return the features of each image, then, if *mirrored*, those of each mirror image: `float16[rows, ...]`."""
    copies = [images, images[:, :, ::-1]] if mirrored else [images]
    click.echo(f"  computing the features of {len(copies) * len(images)} images")

    @tf.function  # type: ignore[untyped-decorator]
    def features(batch: tf.Tensor) -> tf.Tensor:
        values = tf.cast(model(batch, training=False), tf.float32)
        return tf.cast(tf.clip_by_value(values, -MAX_FEATURE, MAX_FEATURE), tf.float16)

    kept = aligned((len(copies), len(images), *model.output_shape[1:]), np.float16)
    for computed, copy in zip(kept, copies, strict=True):
        for start in range(0, len(copy), SCORED_ROWS):
            rows = slice(start, start + SCORED_ROWS)
            computed[rows] = features(tf.constant(copy[rows]))
    return kept.reshape(-1, *kept.shape[2:])
