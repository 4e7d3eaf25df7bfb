"""A dense network over any record."""

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from training.data.records import TABLE
from training.errors import BadRequest
from training.fitting.fit import Fit
from training.networks.dense import Network, scores_of
from training.networks.ensembles import train_members
from training.networks.schedules import cosine
from training.networks.sequences import Differs, KnownIds, LastStep, Masked, MaskedMean
from training.problem_types import Problem
from training.task import Fold, Trained


@dataclass(frozen=True, kw_only=True)
class Mixed(Network):
    """A dense network over any record: each input becomes a vector, and these go side by side.

    The input `features` stays as it is. An image goes through a convolution and pooling for each of *filters*. Ids of
    categories become an embedding of *embedding* numbers, tokens the mean of theirs; *padding* is the id of none.
    Other arrays are series: steps along the first axis. A *relative* series is taken relative to its last step, which
    becomes a vector of its own: for what trends beyond the training rows. With *skip_zeros*, a step of zeros does not
    count: that is what a standardised array has where numbers are missing, or where it is padded.

    A *wide* network is linear beside it: its scores see these vectors too, not only what the dense layers make of them
    (Cheng et al. 2016, "Wide & Deep Learning"). Of several *members*, each has dense layers of its own, and the mean of
    their scores is the answer.

    With *rate*, the optimizer is Adam, whose learning rate rises to *rate* and falls to 0, with the weight decay
    *decay*; without, it is rmsprop.
    Raises BadRequest if a setting is out of range.
    """

    units: tuple[int, ...] = (64, 64)
    embedding: int = 16
    padding: int = 0
    filters: tuple[int, ...] = (16, 32)
    relative: bool = False
    skip_zeros: bool = False
    wide: bool = False
    members: int = 1
    rate: float = 0.0
    decay: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (self.embedding >= 1 and self.members >= 1 and self.padding >= 0):
            raise BadRequest("embedding and members must be at least 1, padding at least 0")
        if not (self.rate >= 0 and self.decay >= 0 and (self.rate or not self.decay)):
            raise BadRequest("rate and decay must be at least 0, and decay needs a rate")
        if not all(count >= 1 for count in (*self.units, *self.filters)):
            raise BadRequest("each of units and filters must be at least 1")

    def train(self, problem: Problem, width: int, fold: Fold) -> Trained:
        """Train on any inputs."""
        inputs = {
            name: keras.Input(array.shape[1:], dtype=array.dtype.name, name=name)
            for name, array in fold.features.items()
        }
        vectors = [part for name, array in fold.features.items() for part in self._vectors(inputs[name], array)]
        hidden = vectors[0] if len(vectors) == 1 else keras.layers.Concatenate()(vectors)
        if self.members > 1:
            hidden = keras.layers.RepeatVector(self.members)(hidden)
        deep = self._dense(hidden, self.units)
        scores = scores_of(problem, width, keras.layers.Concatenate()([hidden, deep]) if self.wide else deep)
        fit = Fit(self.epochs, self.batch_size, self.patience, self._optimizer(fold.rows))
        if self.members > 1:
            return train_members(problem, inputs, scores, fold, fit)
        model = keras.Model(inputs, scores)
        return Trained(model, {"training": fit.run(problem, model, fold)})

    def _vectors(self, tensor: Any, array: np.ndarray) -> list[Any]:
        """Return what becomes of an input: one or several `[batch, n]`."""
        if array.dtype == np.uint8 and array.ndim == 4:
            return [self._image(tensor)]
        if array.dtype.kind == "f":
            return [tensor] if tensor.name == TABLE and array.ndim == 2 else self._series(tensor)
        if array.dtype.kind in "iu" and array.ndim == 2:
            return [self._ids(tensor, int(array.max(initial=0)) + 1)]
        raise BadRequest(
            f"input '{tensor.name}': {type(self).__name__} takes numbers, ids [batch, n] and images, "
            f"got {array.dtype.name}{list(array.shape[1:])}"
        )

    def _image(self, tensor: Any) -> Any:
        hidden = keras.layers.Rescaling(1 / 255)(tensor)
        for filters in self.filters:
            hidden = keras.layers.Conv2D(
                filters, 3, padding="same", activation="relu", kernel_regularizer=self._penalty()
            )(hidden)
            hidden = keras.layers.MaxPooling2D(2, padding="same")(hidden)
        return keras.layers.Flatten()(hidden)

    def _ids(self, tensor: Any, size: int) -> Any:
        ids = KnownIds(max(size, self.padding + 1), self.padding)(tensor)
        embedded = keras.layers.Embedding(max(size, self.padding + 1), self.embedding)(ids)
        if tensor.shape[1] == 1:
            return keras.layers.Flatten()(embedded)
        return self._text(embedded, Differs(self.padding)(ids))

    def _series(self, tensor: Any) -> list[Any]:
        steps = keras.layers.Reshape((tensor.shape[1], -1))(tensor)
        counts = Differs(0)(steps) if self.skip_zeros else None
        if not self.relative:
            return [self._steps(steps, counts)]
        last = steps[:, -1] if counts is None else LastStep()(steps, counts)
        steps = keras.layers.Subtract()([steps, keras.layers.Reshape((1, -1))(last)])
        return [self._steps(steps if counts is None else Masked()(steps, counts), counts), last]

    def _text(self, tokens: Any, counts: Any) -> Any:
        """Return the vector of the embedded *tokens* that count: `[batch, n]`."""
        return MaskedMean()(tokens, counts)

    def _steps(self, steps: Any, counts: Any | None) -> Any:
        """Return the vector of the *steps* of a series, of those that count if only some do: `[batch, n]`."""
        return keras.layers.Flatten()(steps)

    def _optimizer(self, rows: int) -> Any:
        if not self.rate:
            return "rmsprop"
        rate = cosine(self.rate, self.epochs, rows, self.batch_size)
        return keras.optimizers.Adam(rate, weight_decay=self.decay or None)
