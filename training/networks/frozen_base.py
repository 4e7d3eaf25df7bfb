"""The features that the frozen part of a base computes for each image: once, so that training on them is fast."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import click
import keras
import numpy as np
import tensorflow as tf

from serving.contract.arrays import Array
from training.data.features import aligned
from training.errors import BadRequest
from training.fitting.epochs import scored_rows

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


Change = Callable[[Array, int], Any]
"""Changes some images, of which the first has the number given."""

PLAIN: Mapping[str, Change] = {"plain": lambda images, number: images}
"""The images as they are."""
MIRRORED: Mapping[str, Change] = {**PLAIN, "mirrored": lambda images, number: images[:, :, ::-1]}
"""The images, then their mirror images."""


@dataclass(frozen=True)
class Known:
    """What earlier calls have computed for images of the same numbers: the first of these has the number *first*.

    *kept* has the features by the name of the change and the number of the first image.
    """

    kept: dict[tuple[str, int], Array]
    first: int = 0

    def next(self, name: str, number: int, end: int) -> int:
        """Return the number of the next image whose features are known, at most *end*."""
        return min([end, *(first for of, first in self.kept if of == name and first > number)])


def features_of(
    model: keras.Model, images: Array, changes: Mapping[str, Change] = PLAIN, known: Known | None = None
) -> Array:
    """Return the features of each image after the first of the *changes*, then after the next: `float16[rows, ...]`."""

    @tf.function  # type: ignore[untyped-decorator]
    def features(batch: tf.Tensor) -> tf.Tensor:
        values = tf.cast(model(batch, training=False), tf.float32)
        return tf.cast(tf.clip_by_value(values, -MAX_FEATURE, MAX_FEATURE), tf.float16)

    known, size = known or Known({}), scored_rows({"image": images})
    computed = aligned((len(changes), len(images), *model.output_shape[1:]), np.float16)
    for of_change, (name, change) in zip(computed, changes.items(), strict=True):
        for piece, number in _unknown(of_change, name, known):
            click.echo(f"  computing the features of {len(piece)} images")
            for start in range(0, len(piece), size):
                rows = images[number - known.first + start :][: min(size, len(piece) - start)]
                piece[start : start + size] = features(tf.constant(change(rows, number + start)))
    return computed.reshape(-1, *computed.shape[2:])


def _unknown(computed: Array, name: str, known: Known) -> Iterator[tuple[Array, int]]:
    """Copy what is known to *computed*. Yield each other piece of it, to be filled, with its first image's number."""
    number, end = known.first, known.first + len(computed)
    while number < end:
        piece = known.kept.get((name, number))
        if piece is None:
            piece = computed[number - known.first : known.next(name, number, end) - known.first]
            yield piece, number
            known.kept[name, number] = piece
        else:
            piece = piece[: end - number]
            computed[number - known.first :][: len(piece)] = piece
        number += len(piece)
