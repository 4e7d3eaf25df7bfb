"""A convolutional network, trained from scratch."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import keras

from training.errors import BadRequest
from training.fitting.fit import Fit
from training.networks.augmentation import Augmentation
from training.networks.dense import Network, scores_of
from training.networks.schedules import cosine
from training.problem_types import Problem
from training.task import Fold, Trained


@dataclass(frozen=True, kw_only=True)
class ConvNet(Network):
    """Blocks of convolutions and pooling, then a dense layer, over pixels.

    Each of *filters* is a block of *depth* convolutions followed by pooling. *batch_normalisation* adds one after each
    convolution. With *rate*, the optimizer is Adam, whose learning rate rises to *rate* and falls to 0; without, it is
    rmsprop. Raises BadRequest if a setting is out of range.
    """

    height: int
    width: int
    filters: tuple[int, ...] = (32, 64, 64)
    depth: int = 1
    units: int = 64
    batch_normalisation: bool = False
    rate: float = 0.0
    augmentation: Augmentation = Augmentation()  # noqa: RUF009 - frozen

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (self.depth >= 1 and self.units >= 1 and self.rate >= 0 and all(count >= 1 for count in self.filters)):
            raise BadRequest("depth, units and each of filters must be at least 1, rate at least 0")

    def train(self, problem: Problem, width: int, fold: Fold) -> Trained:
        """Train on `image: uint8[batch, height, width, channels]`."""
        image = keras.Input(fold.features["image"].shape[1:], dtype="uint8", name="image")
        blocks = [layer for filters in self.filters for layer in self._block(filters)]
        convolutions = keras.Sequential([keras.layers.Rescaling(1 / 255), *blocks, keras.layers.Flatten()])
        hidden = self._dense(convolutions(image), (self.units,))
        model = keras.Model({"image": image}, scores_of(problem, width, hidden))
        fit = Fit(self.epochs, self.batch_size, self.patience, self._optimizer(fold.rows))
        return Trained(model, {"training": fit.run(problem, model, fold, self.augmentation.layer())})

    def _block(self, filters: int) -> Iterator[keras.layers.Layer]:
        for _ in range(self.depth):
            yield keras.layers.Conv2D(
                filters, 3, padding="same", use_bias=not self.batch_normalisation, kernel_regularizer=self._penalty()
            )
            if self.batch_normalisation:
                yield keras.layers.BatchNormalization(momentum=0.9)
            yield keras.layers.ReLU()
        yield keras.layers.MaxPooling2D(2)

    def _optimizer(self, rows: int) -> Any:
        if not self.rate:
            return "rmsprop"
        return keras.optimizers.Adam(cosine(self.rate, self.epochs, rows, self.batch_size))
