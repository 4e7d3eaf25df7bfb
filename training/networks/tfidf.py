"""An ensemble of dense networks and a linear classifier over tf-idf, in one model.

Label smoothing: Szegedy et al. 2016, "Rethinking the Inception Architecture". Linear: each class against all others, by
squared hinge loss (Rifkin & Klautau 2004, "In Defense of One-Vs-All Classification").
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import keras
import numpy as np

from training.errors import BadRequest
from training.fitting.fit import Fit
from training.networks.ensembles import scores_of, train_members
from training.networks.schedules import step_count
from training.networks.tfidf_dense import TfIdfDense, side_by_side
from training.problem_types import Problem
from training.task import Curves, Fold, Trained


@dataclass(frozen=True, kw_only=True)
class TfIdfEnsemble:
    """*members* networks with one hidden layer each, and a linear one, for texts that belong to one of several classes.

    *word_dropout* is the share of words dropped in training, *dropout* that of hidden units. *smoothing* is the share
    of a label that is spread over all classes. The learning rate falls from *rate* to 0 along a cosine.

    The linear one has a penalty *l2* and its own *linear_epochs* and *linear_rate*. Its margins, 1 for a class and -1
    for all others where it is sure, count *margins* times beside the logarithms of the networks' mean scores.

    The served model favours rare classes by *balance* (0: not at all, 1: as if all were equally frequent; Menon et al.
    2021, "Long-tail learning via logit adjustment"). A *temperature* below 1 makes it more confident, above 1 less (Guo
    et al. 2017, "On Calibration of Modern Neural Networks").

    Raises BadRequest if a setting is out of range.
    """

    num_words: int = 10_000
    length: int = 512
    members: int = 3
    units: int = 256
    word_dropout: float = 0.5
    dropout: float = 0.5
    smoothing: float = 0.1
    l2: float = 2.5e-4
    linear_epochs: int = 10
    linear_rate: float = 1e-2
    margins: float = 3.0
    balance: float = 0.7
    temperature: float = 1.2
    rate: float = 2e-3
    epochs: int = 8
    batch_size: int = 256

    def __post_init__(self) -> None:
        if not min(self.members, self.units, self.epochs, self.linear_epochs, self.batch_size) >= 1:
            raise BadRequest("members, units, epochs, linear_epochs and batch_size must be at least 1")
        if not (self.rate > 0 and self.linear_rate > 0 and self.temperature > 0):
            raise BadRequest("rate, linear_rate and temperature must be more than 0")
        if not (self.l2 >= 0 and self.margins >= 0):
            raise BadRequest("l2 and margins must be at least 0")
        if not (0 <= self.word_dropout < 1 and 0 <= self.dropout < 1 and 0 <= self.smoothing < 1):
            raise BadRequest("word_dropout, dropout and smoothing must be at least 0 and less than 1")

    def train(self, problem: Problem, width: int, fold: Fold) -> Trained:
        """Train all members at once, then the linear one, on `ids: int32[batch, length]`."""
        ids = keras.Input((self.length,), dtype="int32", name="ids")
        words = TfIdfDense(self.num_words, self.members * self.units, self.word_dropout)
        linear = TfIdfDense(self.num_words, width, l2=self.l2, initializer="zeros")
        members, margins = self._members(problem, width), linear(ids)
        scores = members(words(ids))
        words.adapt(fold.features["ids"])
        linear.adapt(fold.features["ids"])
        smooth, plain = _one_hot(fold, width, self.smoothing), _one_hot(fold, width, 0.0)
        likely = dataclasses.replace(problem, loss="categorical_crossentropy")
        trained = train_members(likely, ids, scores, smooth, self._fit(self.epochs, self.rate, fold.rows))
        against = dataclasses.replace(problem, loss="squared_hinge")
        fit = self._fit(self.linear_epochs, self.linear_rate, fold.rows)
        curves = fit.run(against, keras.Model({"ids": ids}, margins), plain)
        served = side_by_side(words, linear)(ids)
        mean = keras.ops.mean(members(served[:, :-width]), axis=1)
        model = keras.Model({"ids": ids}, self._joined(mean, served[:, -width:], fold.targets))
        return Trained(model, {**trained.curves, "linear": curves})

    def settled(self, folds: Sequence[Mapping[str, Curves]]) -> Self:
        """Return the recipe unchanged: its number of epochs is fixed."""
        return self

    def _members(self, problem: Problem, width: int) -> keras.Model:
        """Return a network of what all members see of the words: `[batch, members * units]` -> their scores."""
        seen = keras.Input((self.members * self.units,))
        hidden = keras.layers.Reshape((self.members, self.units))(seen)
        hidden = keras.layers.Dropout(self.dropout)(keras.layers.Activation("relu")(hidden))
        return keras.Model(seen, scores_of(problem, width, hidden))

    def _fit(self, epochs: int, rate: float, rows: int) -> Fit:
        steps = step_count(epochs, rows, self.batch_size)
        schedule = keras.optimizers.schedules.CosineDecay(rate, steps)
        return Fit(epochs, self.batch_size, optimizer=keras.optimizers.Adam(schedule))

    def _joined(self, scores: Any, margins: Any, targets: np.ndarray) -> Any:
        """Return the scores that are served: of both, adjusted by balance and temperature."""
        counts = np.maximum(np.bincount(targets, minlength=scores.shape[-1]), 1)
        handicap = (self.balance * np.log(counts / len(targets))).astype(np.float32)
        logits = keras.ops.log(keras.ops.maximum(scores, keras.config.epsilon())) - handicap
        return keras.ops.softmax((logits + self.margins * margins) / self.temperature)


def _one_hot(fold: Fold, width: int, smoothing: float) -> Fold:
    """Return *fold* with one-hot targets: smoothed for training, plain for validation."""
    classes = np.eye(width, dtype=np.float32)
    smooth = classes * (1 - smoothing) + smoothing / width
    validation = fold.validation and (fold.validation[0], classes[fold.validation[1]])
    targets = smooth[fold.targets].astype(np.float32)
    return dataclasses.replace(fold, targets=targets, validation=validation)
