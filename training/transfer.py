"""Transfer learning in two stages: a head on a frozen pretrained base, then fine-tuning of the base's top."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import click
import keras

from serving.contract import Features
from training.augmentation import Augmentation
from training.bases import Prepared, check_base, pretrained
from training.epochs import SCORED_ROWS
from training.errors import BadRequest
from training.fitting import Fit
from training.networks import scores_of
from training.problems import Problem
from training.schedules import cosine
from training.task import Curves, Fold, Trained


@dataclass(frozen=True, kw_only=True)
class Transfer:
    """Which base of `keras.applications`, and how long and how fast each stage learns.

    *alpha* is the width of a base that comes in several; 0 is its own. *weights* are "imagenet", "random", or a file.
    A head that is not *augmented_head* learns from features of the frozen base that are computed once: fast.
    *top_layers* of the base are tuned, at a rate that rises to *tuning_rate* and falls to 0.
    """

    height: int = 150
    width: int = 150
    base: str = "MobileNet"
    alpha: float = 0.75
    weights: str = "imagenet"
    augmentation: Augmentation = Augmentation(flip=True, turn=0.05, zoom=0.1)  # noqa: RUF009 - frozen
    augmented_head: bool = True
    dropout: float = 0.2
    head_epochs: int = 4
    head_rate: float = 1e-3
    top_layers: int = 12
    tuning_epochs: int = 2
    tuning_rate: float = 1e-5
    batch_size: int = 32

    def __post_init__(self) -> None:
        check_base(self.base, self.alpha)
        if not (self.head_epochs >= 1 and self.batch_size >= 1 and self.tuning_epochs >= 0 and self.top_layers >= 0):
            raise BadRequest("head_epochs and batch_size must be at least 1, tuning_epochs and top_layers at least 0")
        if not (self.head_rate > 0 and self.tuning_rate > 0 and 0 <= self.dropout < 1):
            raise BadRequest("rates must be more than 0, dropout at least 0 and less than 1")

    def train(self, problem: Problem, width: int, fold: Fold) -> Trained:
        """Train on `image`, head first, then the base's top layers with it."""
        base = pretrained(self.base, self.height, self.width, self.alpha, self.weights)
        base.trainable = False
        image = keras.Input((self.height, self.width, 3), dtype="uint8", name="image")
        hidden = base(Prepared(self.base)(image), training=False)  # BatchNorm stays in inference mode in both stages
        body = keras.Model({"image": image}, keras.layers.GlobalAveragePooling2D()(hidden))
        head = self._head(problem, width, body.output.shape[-1])
        model = keras.Model({"image": image}, head({"features": body.output}))
        curves = {"frozen base": self._train_head(problem, body, head, model, fold)}
        if self.top_layers and self.tuning_epochs:
            _unfreeze_top(base, self.top_layers)
            curves["fine-tuning"] = self._tune(problem, model, fold)
        return Trained(model, curves)

    def settled(self, folds: Sequence[Mapping[str, Curves]]) -> Self:
        """Keep the recipe: its stages have a set length."""
        return self

    def _head(self, problem: Problem, width: int, channels: int) -> keras.Model:
        features = keras.Input((channels,), name="features")
        hidden = keras.layers.Dropout(self.dropout)(features)
        return keras.Model({"features": features}, scores_of(problem, width, hidden))

    def _train_head(self, problem: Problem, body: Any, head: Any, model: Any, fold: Fold) -> Curves:
        fit = Fit(self.head_epochs, self.batch_size, optimizer=keras.optimizers.Adam(self.head_rate))
        augment = self.augmentation.layer() if self.augmented_head else None
        if augment:
            return fit.run(problem, model, fold, augment)
        return fit.run(problem, head, _featured(body, fold))

    def _tune(self, problem: Problem, model: keras.Model, fold: Fold) -> Curves:
        rate = cosine(self.tuning_rate, self.tuning_epochs, len(fold.targets), self.batch_size)
        fit = Fit(self.tuning_epochs, self.batch_size, optimizer=keras.optimizers.Adam(rate))
        return fit.run(problem, model, fold, self.augmentation.layer())


def _featured(body: keras.Model, fold: Fold) -> Fold:
    """Compute once what the head sees of each picture."""

    def features(pictures: Features) -> Features:
        click.echo(f"  computing the features of {len(pictures['image'])} pictures")
        return {"features": body.predict(pictures, batch_size=SCORED_ROWS, verbose=0)}

    validation = (features(fold.validation[0]), fold.validation[1]) if fold.validation else None
    return dataclasses.replace(fold, features=features(fold.features), validation=validation)


def _unfreeze_top(base: keras.Model, top_layers: int) -> None:
    base.trainable = True
    for layer in base.layers[:-top_layers]:
        layer.trainable = False
    for layer in base.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.trainable = False
