"""Transfer learning in two stages: a head on a frozen pretrained base, then fine-tuning of the base's top."""

import warnings
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from training.datasets import download
from training.networks import scores_of
from training.problems import Problem, compiled
from training.progress import Progress
from training.task import Fold


@dataclass(frozen=True)
class Transfer:
    """Which base of `keras.applications`, and how long and how fast each stage learns.

    *turn* (of a full turn) and *zoom* (of the side) are the largest that augmentation does to training photos.
    """

    height: int = 150
    width: int = 150
    base: str = "MobileNet"
    base_options: dict[str, Any] = field(default_factory=lambda: {"alpha": 0.75})
    turn: float = 0.05
    zoom: float = 0.1
    dropout: float = 0.2
    head_epochs: int = 4
    head_rate: float = 1e-3
    top_layers: int = 12
    tuning_epochs: int = 2
    tuning_rate: float = 1e-5
    batch_size: int = 32

    def train(self, problem: Problem, width: int, fold: Fold) -> keras.Model:
        """Train on `image`, head first, then the base's top layers with it."""
        base = pretrained(self)
        base.trainable = False
        image = keras.Input((self.height, self.width, 3), dtype="uint8", name="image")
        hidden = keras.layers.Rescaling(1 / 127.5, offset=-1)(image)
        hidden = base(hidden, training=False)  # BatchNorm stays in inference mode in both stages
        hidden = keras.layers.GlobalAveragePooling2D()(hidden)
        hidden = keras.layers.Dropout(self.dropout)(hidden)
        model = keras.Model({"image": image}, scores_of(problem, width, hidden))
        _fit(problem, model, self, fold, self.head_rate, self.head_epochs)
        _unfreeze_top(base, self.top_layers)
        _fit(problem, model, self, fold, self.tuning_rate, self.tuning_epochs)
        return model


def pretrained(recipe: Transfer) -> keras.Model:
    """Make the base with its ImageNet weights; raises DataUnavailable."""
    make = getattr(keras.applications, recipe.base)
    shape = (recipe.height, recipe.width, 3)
    options = {"weights": "imagenet", "include_top": False, "input_shape": shape, **recipe.base_options}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "`input_shape` is undefined or non-square")  # 224's weights fit any size
        base: keras.Model = download(f"ImageNet weights of {recipe.base}", lambda: make(**options))
    return base


def _unfreeze_top(base: keras.Model, top_layers: int) -> None:
    base.trainable = True
    for layer in base.layers[:-top_layers]:
        layer.trainable = False
    for layer in base.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.trainable = False


def _fit(problem: Problem, model: keras.Model, recipe: Transfer, fold: Fold, rate: float, epochs: int) -> None:
    compiled(problem, model, keras.optimizers.Adam(rate)).fit(
        _augmented(recipe, fold),
        validation_data=fold.validation,
        epochs=epochs,
        shuffle=False,  # the pipeline has shuffled
        verbose=0,
        callbacks=[Progress()],
    )


def _augmented(recipe: Transfer, fold: Fold) -> tf.data.Dataset:
    """Batches of training photos, augmented in the pipeline: the served graph has nothing of it."""
    layers = [
        keras.layers.RandomFlip("horizontal"),
        keras.layers.RandomRotation(recipe.turn),
        keras.layers.RandomZoom(recipe.zoom),
    ]

    def augment(features: dict[str, tf.Tensor], targets: tf.Tensor) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
        image = tf.cast(features["image"], tf.float32)
        for layer in layers:
            image = layer(image, training=True)
        return {"image": tf.cast(tf.clip_by_value(image, 0, 255), tf.uint8)}, targets

    rows = tf.data.Dataset.from_tensor_slices((fold.features, np.asarray(fold.targets)))
    rows = rows.shuffle(len(fold.targets)).batch(recipe.batch_size)
    return rows.map(augment, tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)
