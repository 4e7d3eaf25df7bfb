"""Random changes to training images that don't change the answer: made in training, never in a served graph."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from training.errors import BadRequest


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """The largest changes that are made.

    *turn* is a fraction of a full turn; *shift*, *shear* and *zoom* are fractions of the side; *brightness* is a
    fraction of the range of values; *flip* mirrors left and right. Raises BadRequest for a fraction outside 0 to 1.
    """

    turn: float = 0.0
    shift: float = 0.0
    shear: float = 0.0
    zoom: float = 0.0
    brightness: float = 0.0
    flip: bool = False

    def __post_init__(self) -> None:
        for name, share in vars(self).items():
            if not 0 <= share <= 1:
                raise BadRequest(f"augmentation: {name} must be between 0 and 1, got {share}")

    def layer(self) -> "Augment | None":
        """Return the layer that makes the changes, or None if there are none."""
        layers = self._layers()
        return Augment(layers, name="augment") if layers else None

    def _layers(self) -> list[Any]:
        # Shifts by whole pixels: another interpolation would blur training images, but not served ones.
        made = [
            self.flip and keras.layers.RandomFlip("horizontal"),
            self.turn and keras.layers.RandomRotation(self.turn),
            self.shift and keras.layers.RandomTranslation(self.shift, self.shift, interpolation="nearest"),
            self.shear and keras.layers.RandomShear(self.shear, self.shear),
            self.zoom and keras.layers.RandomZoom(self.zoom),
            self.brightness and keras.layers.RandomBrightness(self.brightness, value_range=(0, 255)),
        ]
        return [layer for layer in made if layer]


class Augment(keras.layers.Layer):  # type: ignore[misc]
    """Changes each image of `uint8[batch, height, width, channels]` at random in training, and none in inference."""

    def __init__(self, layers: list[Any], **options: Any) -> None:
        super().__init__(**options)
        self.layers = layers

    def build(self, shape: tuple[int | None, ...]) -> None:
        """Build the layer of each change."""
        for layer in self.layers:
            layer.build(shape)

    def call(self, image: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Return the images, changed if this is training."""
        if not training:
            return image
        changed = tf.cast(image, tf.float32)
        for layer in self.layers:
            changed = layer(changed, training=True)
        # Whole numbers from 0 to 255, because a served image can hold nothing else.
        return tf.ensure_shape(tf.cast(tf.clip_by_value(tf.round(changed), 0, 255), tf.uint8), image.shape)

    def seeded(self, *seeds: int) -> Any:
        """Return what changes some images at random in a way that *seeds* and the number of the first determine."""

        def changed(images: Any, number: int) -> Any:
            states = np.random.SeedSequence([*seeds, number]).generate_state(len(self.variables)) >> 1
            for variable, state in zip(self.variables, states, strict=True):
                variable.assign([state, 0])
            return self._compiled(tf.constant(images))

        return changed

    @cached_property
    def _compiled(self) -> Any:
        return tf.function(lambda images: self(images, training=True))

    def compute_output_spec(self, image: Any, training: bool = False) -> keras.KerasTensor:
        """Return shape and type of the output."""
        return keras.KerasTensor(image.shape, "uint8")
