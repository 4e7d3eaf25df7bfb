"""Dense networks, each with its recipe: a frozen dataclass whose fields are everything that can be configured."""

import dataclasses
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import keras

from training.errors import BadRequest
from training.fitting.fit import Fit
from training.networks.ensembles import dense
from training.networks.multi_hot import MultiHot, MultiHotDense
from training.problem_types import MultiOutput, Problem, Regression
from training.task import Curves, Fold, Trained


@dataclass(frozen=True, kw_only=True)
class Network:
    """Settings that networks share: length of training, and regularisation.

    *patience* stops a validated training early; the final training then takes the median of the best epochs. *l1* and
    *l2* weigh the penalties on dense and convolution weights; *dropout* is the share of units dropped after each dense
    layer. Raises BadRequest if a setting is out of range.
    """

    epochs: int
    batch_size: int
    patience: int = 0
    l1: float = 0.0
    l2: float = 0.0
    dropout: float = 0.0

    def __post_init__(self) -> None:
        if not (self.epochs >= 1 and self.batch_size >= 1 and self.patience >= 0):
            raise BadRequest("epochs and batch_size must be at least 1, patience at least 0")
        if not (self.l1 >= 0 and self.l2 >= 0 and 0 <= self.dropout < 1):
            raise BadRequest("l1 and l2 must be at least 0, dropout at least 0 and less than 1")

    def settled(self, folds: Sequence[Mapping[str, Curves]]) -> Self:
        """Return the recipe with the median of the folds' best epochs if *patience* is set, else unchanged."""
        if not self.patience:
            return self
        losses = [curves["val_loss"] for stages in folds for curves in stages.values()]
        best = [loss.index(min(loss)) + 1 for loss in losses]
        return dataclasses.replace(self, epochs=round(statistics.median(best)), patience=0)

    def _trained(self, problem: Problem, width: int, fold: Fold, features: Any, hidden: Any) -> Trained:
        model = keras.Model({features.name: features}, scores_of(problem, width, hidden))
        curves = Fit(self.epochs, self.batch_size, self.patience).run(problem, model, fold)
        return Trained(model, {"training": curves})

    def _dense(self, hidden: Any, units: Sequence[int]) -> Any:
        for count in units:
            hidden = self._dropped(_layer(hidden, count, "relu", kernel_regularizer=self._penalty()))
        return hidden

    def _dropped(self, hidden: Any) -> Any:
        return keras.layers.Dropout(self.dropout)(hidden) if self.dropout else hidden

    def _penalty(self) -> keras.regularizers.Regularizer | None:
        return keras.regularizers.L1L2(self.l1, self.l2) if self.l1 or self.l2 else None


@dataclass(frozen=True, kw_only=True)
class BagOfWords(Network):
    """A dense network over the set of a text's words: ids -> multi-hot -> *units* -> scores."""

    num_words: int = 10_000
    length: int = 1024
    units: tuple[int, ...] = (16, 16)

    def train(self, problem: Problem, width: int, fold: Fold) -> Trained:
        """Train on `ids: int32[batch, length]`."""
        ids = keras.Input((self.length,), dtype="int32", name="ids")
        return self._trained(problem, width, fold, ids, self._dense(self._first(ids), self.units[1:]))

    def _first(self, ids: Any) -> Any:
        if not self.units:
            return MultiHot(self.num_words)(ids)
        layer = MultiHotDense(self.num_words, self.units[0], "relu", kernel_regularizer=self._penalty())
        return self._dropped(layer(ids))


@dataclass(frozen=True, kw_only=True)
class Dense(Network):
    """A dense network over named numbers; instances omit the fields in *without*."""

    units: tuple[int, ...] = (64, 64)
    without: tuple[str, ...] = ()

    def train(self, problem: Problem, width: int, fold: Fold) -> Trained:
        """Train on `features: float32[batch, fields]`."""
        features = keras.Input(fold.features["features"].shape[1:], name="features")
        return self._trained(problem, width, fold, features, self._dense(features, self.units))


def scores_of(problem: Problem, width: int, hidden: Any) -> Any:
    """Return the output layer's scores: float32, whatever the precision of the other layers.

    Of several questions, return the scores of each, by the output's name.
    """
    if isinstance(problem, MultiOutput):
        # Not the heads' names: those of layers are ASCII, and differ from all inputs'.
        parts = enumerate(problem.parts.items())
        return {name: _scores(part, columns, hidden, f"scores_{number}") for number, (name, (part, columns)) in parts}
    return _scores(problem, width, hidden, "scores")


def _scores(problem: Problem, width: int, hidden: Any, name: str) -> Any:
    if not (isinstance(problem, Regression) and problem.scale):
        return _layer(hidden, width, problem.activation, dtype="float32", name=name)
    standardised = _layer(hidden, width, None, dtype="float32", name=f"{name}_standardised")
    return keras.layers.Rescaling(problem.scale, problem.offset, dtype="float32", name=name)(standardised)


def _layer(hidden: Any, units: int, activation: str | None, **options: Any) -> Any:
    """Apply a dense layer; of `[batch, members, n]`, one of its own for each member."""
    if len(hidden.shape) == 3:
        return dense(hidden, units, activation, **options)
    return keras.layers.Dense(units, activation=activation, **options)(hidden)
