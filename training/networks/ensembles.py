"""Several dense networks side by side in one model, which learn apart and answer with their mean.

Members differ by their random start and by the noise they see; their mean errs less than they do (Hansen & Salamon
1990, "Neural Network Ensembles").
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import keras
import numpy as np

from training.errors import BadRequest
from training.fitting.fit import Fit
from training.networks.schedules import step_count
from training.problem_types import Problem
from training.task import Curves, Fold, Trained


@dataclass(frozen=True, kw_only=True)
class DenseEnsemble:
    """*members* dense networks over named numbers; the fields in *without* are left out of the instance.

    Features beyond *clip* standard deviations count as so many; while training, noise of *noise* deviations is added.
    *rate* falls to 0 along a cosine, with AdamW's *decay* of the weights. *loss*, if given, replaces the problem's.
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
        """Train the members on `features`, all at once."""
        features = keras.Input(fold.features["features"].shape[1:], name="features")
        hidden = keras.layers.RepeatVector(self.members)(keras.ops.clip(features, -self.clip, self.clip))
        hidden = keras.layers.GaussianNoise(self.noise)(hidden)
        for units in self.units:
            hidden = dense(hidden, units, "relu")
        scores = scores_of(problem, width, hidden)
        if problem.activation is None:  # what is learnt is then as large as the features are
            scale = keras.layers.Rescaling(fold.targets.std(), np.median(fold.targets), dtype="float32")
            scores = scale(scores)
        judged = dataclasses.replace(problem, loss=self.loss or problem.loss)
        return train_members(judged, features, scores, fold, self._fit(len(fold.targets)))

    def settled(self, folds: Sequence[Mapping[str, Curves]]) -> Self:
        """Keep the recipe: its length is set."""
        return self

    def _fit(self, rows: int) -> Fit:
        steps = step_count(self.epochs, rows, self.batch_size)
        rate = keras.optimizers.schedules.CosineDecay(self.rate, steps)
        optimizer = keras.optimizers.AdamW(rate, weight_decay=self.decay)
        return Fit(self.epochs, self.batch_size, optimizer=optimizer)


def scores_of(problem: Problem, width: int, hidden: Any) -> Any:
    """Add each member's last layer, in float32 whatever the precision of the others."""
    return dense(hidden, width, problem.activation, dtype="float32")


def dense(hidden: Any, units: int, activation: str | None, **options: Any) -> Any:
    """Add a dense layer for each member: `[batch, members, inputs]` -> `[batch, members, units]`.

    Each member starts as a layer of its own would (Glorot & Bengio 2010).
    """
    _, members, inputs = hidden.shape
    limit = math.sqrt(6 / (inputs + units))
    return keras.layers.EinsumDense(
        "bmi,miu->bmu",
        (members, units),
        activation,
        bias_axes="mu",
        kernel_initializer=keras.initializers.RandomUniform(-limit, limit),
        **options,
    )(hidden)


def train_members(problem: Problem, inputs: Any, scores: Any, fold: Fold, fit: Fit) -> Trained:
    """Fit `scores: [batch, members, width]` to the targets, each member for itself; the model gives their mean."""

    def repeated(targets: np.ndarray) -> np.ndarray:
        return np.repeat(np.expand_dims(targets, 1), scores.shape[1], axis=1)

    validation = fold.validation and (fold.validation[0], repeated(fold.validation[1]))
    members = keras.Model({inputs.name: inputs}, scores)
    apart = dataclasses.replace(fold, targets=repeated(fold.targets), validation=validation)
    curves = fit.run(problem, members, apart)
    return Trained(keras.Model({inputs.name: inputs}, keras.ops.mean(scores, axis=1)), {"training": curves})
