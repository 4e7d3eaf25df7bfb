"""The networks, each with its recipe: a frozen dataclass whose fields are all that can be set about it."""

from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

from training.problems import Problem, compiled
from training.progress import Progress
from training.task import Fold


@dataclass(frozen=True)
class BagOfWords:
    """A dense network over which words are there: ids -> multi-hot -> *units* -> scores."""

    num_words: int = 10_000
    length: int = 1024
    units: tuple[int, ...] = (16, 16)
    epochs: int = 4
    batch_size: int = 512

    def train(self, problem: Problem, width: int, fold: Fold) -> keras.Model:
        """Train on `ids`."""
        ids = keras.Input((self.length,), dtype="int32", name="ids")
        hidden = _dense(MultiHot(self.num_words)(ids), self.units)
        return _trained(problem, width, self, fold, ids, hidden)


@dataclass(frozen=True)
class Dense:
    """A dense network over named numbers."""

    units: tuple[int, ...] = (64, 64)
    epochs: int = 130
    batch_size: int = 16

    def train(self, problem: Problem, width: int, fold: Fold) -> keras.Model:
        """Train on `features`."""
        features = keras.Input(fold.features["features"].shape[1:], name="features")
        return _trained(problem, width, self, fold, features, _dense(features, self.units))


@dataclass(frozen=True)
class ConvNet:
    """Convolutions and poolings, then a dense layer, over pixels."""

    height: int
    width: int
    filters: tuple[int, ...] = (32, 64, 64)
    units: int = 64
    epochs: int = 5
    batch_size: int = 64

    def train(self, problem: Problem, width: int, fold: Fold) -> keras.Model:
        """Train on `image` from scratch."""
        image = keras.Input(fold.features["image"].shape[1:], dtype="uint8", name="image")
        hidden = keras.layers.Rescaling(1 / 255)(image)
        for filters in self.filters:
            hidden = keras.layers.Conv2D(filters, 3, padding="same", activation="relu")(hidden)
            hidden = keras.layers.MaxPooling2D(2)(hidden)
        hidden = _dense(keras.layers.Flatten()(hidden), (self.units,))
        return _trained(problem, width, self, fold, image, hidden)


@keras.saving.register_keras_serializable("plumbline")
class MultiHot(keras.layers.Layer):  # type: ignore[misc]
    """Word ids `int32[batch, length]` -> `float32[batch, num_words - 1]`: 1 where the word is there.

    Made here so that ids travel and not 10,000 floats. Id 0 is padding: it has no column, so it counts as no word.
    """

    def __init__(self, num_words: int, **options: Any) -> None:
        super().__init__(**options)
        self.num_words = num_words

    def call(self, ids: tf.Tensor) -> tf.Tensor:
        """Mark the ids that are there."""
        # Measured on two cores, 512 texts: 5 ms, against 13 ms for a sum of embedding rows and 20 ms for a scatter.
        counts = tf.math.bincount(
            ids, minlength=self.num_words, maxlength=self.num_words, axis=-1, binary_output=True, dtype=tf.float32
        )
        return tf.ensure_shape(counts[:, 1:], [None, self.num_words - 1])

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Give the shape of the output."""
        return (shape[0], self.num_words - 1)

    def get_config(self) -> dict[str, Any]:
        """Give the constructor's arguments."""
        return {**super().get_config(), "num_words": self.num_words}


def scores_of(problem: Problem, width: int, hidden: Any) -> Any:
    """Add the last layer, by the problem's activation."""
    return keras.layers.Dense(width, activation=problem.activation, name="scores")(hidden)


def _dense(hidden: Any, units: tuple[int, ...]) -> Any:
    for count in units:
        hidden = keras.layers.Dense(count, activation="relu")(hidden)
    return hidden


def _trained(problem: Problem, width: int, recipe: Any, fold: Fold, features: Any, hidden: Any) -> keras.Model:
    model = keras.Model({features.name: features}, scores_of(problem, width, hidden))
    compiled(problem, model, "rmsprop").fit(
        fold.features,
        fold.targets,
        validation_data=fold.validation,
        epochs=recipe.epochs,
        batch_size=recipe.batch_size,
        verbose=0,
        callbacks=[Progress()],
    )
    return model
