"""Changes to training pictures that leave the answer as it is. They are made in training, never in a served graph."""

from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

from training.errors import BadRequest


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

    def __post_init__(self) -> None:
        for name, share in vars(self).items():
            if not 0 <= share <= 1:
                raise BadRequest(f"{name} of an augmentation must be between 0 and 1, got {share}")

    def layer(self) -> "Augment | None":
        """Make the layer that changes pictures, if there is anything to change."""
        layers = self._layers()
        return Augment(layers, name="augment") if layers else None

    def _layers(self) -> list[Any]:
        # Whole pixels are shifted: each further interpolation would blur training pictures, as served ones are not.
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
    """Pictures `uint8[batch, height, width, channels]` -> as many, each changed anew; the same in inference."""

    def __init__(self, layers: list[Any], **options: Any) -> None:
        super().__init__(**options)
        self.layers = layers

    def build(self, shape: tuple[int | None, ...]) -> None:
        """Make the state of each change."""
        for layer in self.layers:
            layer.build(shape)

    def call(self, image: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Change the pictures, if this is training."""
        if not training:
            return image
        changed = tf.cast(image, tf.float32)
        for layer in self.layers:
            changed = layer(changed, training=True)
        # Whole numbers from 0 to 255, because that is all that a served picture can hold.
        return tf.ensure_shape(tf.cast(tf.clip_by_value(tf.round(changed), 0, 255), tf.uint8), image.shape)

    def compute_output_spec(self, image: Any, training: bool = False) -> keras.KerasTensor:
        """Give shape and type of the output."""
        return keras.KerasTensor(image.shape, "uint8")
