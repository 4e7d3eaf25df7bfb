"""Changes to training pictures that leave the answer as it is. They happen in the pipeline, never in a served graph."""

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from training.task import Fold


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


def batches(fold: Fold, batch_size: int, augmentation: Augmentation) -> tf.data.Dataset:
    """Shuffle and batch the fold's pictures (feature `image`: uint8), and change each anew in every epoch."""
    layers = augmentation.layers()

    def augment(features: dict[str, tf.Tensor], targets: tf.Tensor) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
        image = tf.cast(features["image"], tf.float32)
        for layer in layers:
            image = layer(image, training=True)
        return {"image": tf.cast(tf.clip_by_value(tf.round(image), 0, 255), tf.uint8)}, targets

    rows = tf.data.Dataset.from_tensor_slices((fold.features, np.asarray(fold.targets)))
    rows = rows.shuffle(len(fold.targets)).batch(batch_size)
    return rows.map(augment, tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)
