"""Changes to training pictures that leave the answer as it is. They are never in a served graph."""

from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """The largest changes that are made.

    *turn* is a share of a full turn; *shift*, *shear* and *zoom* are shares of the side; *brightness* is a share of
    the range of values; *flip* mirrors left and right.
    """

    turn: float = 0.0
    shift: float = 0.0
    shear: float = 0.0
    zoom: float = 0.0
    brightness: float = 0.0
    flip: bool = False

    def layers(self) -> list[Any]:
        """Make a Keras layer for each change that is asked for."""
        made = [
            self.flip and keras.layers.RandomFlip("horizontal"),
            self.turn and keras.layers.RandomRotation(self.turn),
            self.shift and keras.layers.RandomTranslation(self.shift, self.shift),
            self.shear and keras.layers.RandomShear(self.shear, self.shear),
            self.zoom and keras.layers.RandomZoom(self.zoom),
            self.brightness and keras.layers.RandomBrightness(self.brightness, value_range=(0, 255)),
        ]
        return [layer for layer in made if layer]

    def layer(self) -> Any:
        """Make the one layer that makes them all, or None."""
        layers = self.layers()
        return Augment(layers) if layers else None


class Augment(keras.layers.Layer):  # type: ignore[misc]
    """Pictures `uint8[batch, height, width, channels]`, each changed anew at each call."""

    def __init__(self, changes: list[Any]) -> None:
        super().__init__(dtype="float32")
        self.changes = changes

    def call(self, image: tf.Tensor) -> tf.Tensor:
        """Change them."""
        changed = tf.cast(image, tf.float32)
        for change in self.changes:
            changed = change(changed, training=True)
        return tf.cast(tf.clip_by_value(tf.round(changed), 0, 255), tf.uint8)
