"""Several dense networks in one model, which are trained separately and answer with their mean.

The members differ in their initial weights and in the noise they see; their mean has a smaller error than each of them
(Hansen & Salamon 1990, "Neural Network Ensembles").
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import keras
import numpy as np
import tensorflow as tf

from training.errors import BadRequest
from training.fitting.fit import Fit
from training.networks.schedules import step_count
from training.problem_types import Problem
from training.task import Curves, Fold, Trained


@dataclass(frozen=True, kw_only=True)
class DenseEnsemble:
    """*members* dense networks over named numbers; instances omit the fields in *without*.

    Features are clipped to *clip* standard deviations; in training, noise of *noise* standard deviations is added. The
    learning rate falls from *rate* to 0 along a cosine; *decay* is AdamW's weight decay. *loss*, if given, replaces the
    problem's. Raises BadRequest if a setting is out of range.
    """

    members: int = 8
    units: tuple[int, ...] = (64, 32)
    clip: float = 6.0
    noise: float = 0.1
    rate: float = 3e-3
    decay: float = 0.1
    epochs: int = 150
    batch_size: int = 32
    loss: str = ""
    without: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not (self.members >= 1 and self.epochs >= 1 and self.batch_size >= 1):
            raise BadRequest("members, epochs and batch_size must be at least 1")
        if not (self.rate > 0 and 0 <= self.noise <= 1):
            raise BadRequest("rate must be more than 0, noise at least 0 and at most 1")

    def train(self, problem: Problem, width: int, fold: Fold) -> Trained:
        """Train all members at once on `features: float32[batch, fields]`."""
        features = keras.Input(fold.features["features"].shape[1:], name="features")
        hidden = keras.layers.RepeatVector(self.members)(keras.ops.clip(features, -self.clip, self.clip))
        hidden = keras.layers.GaussianNoise(self.noise)(hidden)
        for units in self.units:
            hidden = dense(hidden, units, "relu")
        scores = scores_of(problem, width, hidden)
        if problem.activation is None:  # so that the targets to be learned have the scale of the features
            scale = keras.layers.Rescaling(fold.targets.std(), np.median(fold.targets), dtype="float32")
            scores = scale(scores)
        trained_by = dataclasses.replace(problem, loss=self.loss or problem.loss)
        return train_members(trained_by, features, scores, fold, self._fit(len(fold.targets)))

    def settled(self, folds: Sequence[Mapping[str, Curves]]) -> Self:
        """Return the recipe unchanged: its number of epochs is fixed."""
        return self

    def _fit(self, rows: int) -> Fit:
        steps = step_count(self.epochs, rows, self.batch_size)
        rate = keras.optimizers.schedules.CosineDecay(self.rate, steps)
        optimizer = keras.optimizers.AdamW(rate, weight_decay=self.decay)
        return Fit(self.epochs, self.batch_size, optimizer=optimizer)


def scores_of(problem: Problem, width: int, hidden: Any) -> Any:
    """Return each member's scores: float32, whatever the precision of the other layers."""
    return dense(hidden, width, problem.activation, dtype="float32")


def dense(hidden: Any, units: int, activation: str | None, **options: Any) -> Any:
    """Apply a separate dense layer for each member: `[batch, members, inputs]` -> `[batch, members, units]`.

    Each is initialised as an ordinary dense layer (Glorot & Bengio 2010).
    """
    _, members, inputs = hidden.shape
    limit = math.sqrt(6 / (inputs + units))
    return MemberDense(
        "bmi,miu->bmu",
        (members, units),
        activation,
        bias_axes="mu",
        kernel_initializer=keras.initializers.RandomUniform(-limit, limit),
        **options,
    )(hidden)


@keras.saving.register_keras_serializable("plumbline")
class MemberDense(keras.layers.EinsumDense):  # type: ignore[misc]
    """An EinsumDense that LiteRT can compute: Keras would add a bias of one unit by BiasAdd, channels first."""

    def call(self, inputs: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        """Return the outputs."""
        product = keras.ops.einsum(self.equation, inputs, self.kernel)
        return self.activation(tf.add(product, keras.ops.convert_to_tensor(self.bias)))


def train_members(problem: Problem, inputs: Any, scores: Any, fold: Fold, fit: Fit) -> Trained:
    """Fit `scores: [batch, members, width]` to the targets, each member separately. Return the model of their mean.

    *inputs* are one or, by name, several; so are the scores, by the output's name.
    """
    named = inputs if isinstance(inputs, dict) else {inputs.name: inputs}
    members = keras.tree.flatten(scores)[0].shape[1]

    def repeated(targets: Any) -> Any:
        return keras.tree.map_structure(lambda each: np.repeat(np.expand_dims(each, 1), members, axis=1), targets)

    validation = fold.validation and (fold.validation[0], repeated(fold.validation[1]))
    separate = dataclasses.replace(fold, targets=repeated(fold.targets), validation=validation)
    curves = fit.run(problem, keras.Model(named, scores), separate)
    mean = keras.tree.map_structure(lambda each: keras.ops.mean(each, axis=1), scores)
    return Trained(keras.Model(named, mean), {"training": curves})
