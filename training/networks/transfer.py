"""Transfer learning in two stages: training a head on a frozen pretrained base, then fine-tuning the base's top."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import keras
import numpy as np

from training.errors import BadRequest
from training.fitting.fit import Fit
from training.networks.augmentation import Augmentation
from training.networks.bases import Prepared, check_base, pretrained
from training.networks.dense import scores_of
from training.networks.frozen_base import MIRRORED, PLAIN, Change, Known, features_of, split
from training.networks.schedules import cosine
from training.problem_types import Problem
from training.task import Curves, Fold, Trained

MAX_FEATURES = 1 << 29
"""If the epochs of an augmented head need more numbers than this, a gigabyte, each batch computes its own."""


@dataclass(frozen=True, kw_only=True)
class Transfer:
    """Which base of `keras.applications` to use, and how long and at what rate each stage trains.

    *alpha* is the width of a base that comes in several; 0 is the default. *weights* are "imagenet", "random", or the
    path of a file. Fine-tuning changes the *top_layers* of the base, at a rate that rises to *tuning_rate* and falls to
    0. The head learns from features that the frozen base computes in advance: with *augmented_head* of each image as it
    is changed for each epoch, else only once. Fine-tuning without augmentation (*augmented_tuning*) is fast for the
    same reason, and sees each image and, if *augmentation* has `flip`, its mirror image; it can't change all layers.
    With *test_time_flip*, what is published answers with the mean of the scores of an image and of its mirror image,
    which takes twice as long.
    Raises BadRequest if a setting is out of range.
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
    augmented_tuning: bool = True
    tuning_epochs: int = 2
    tuning_rate: float = 1e-5
    test_time_flip: bool = False
    batch_size: int = 32

    def __post_init__(self) -> None:
        check_base(self.base, self.alpha)
        if not (self.head_epochs >= 1 and self.batch_size >= 1 and self.tuning_epochs >= 0 and self.top_layers >= 0):
            raise BadRequest("head_epochs and batch_size must be at least 1, tuning_epochs and top_layers at least 0")
        if not (self.head_rate > 0 and self.tuning_rate > 0 and 0 <= self.dropout < 1):
            raise BadRequest("rates must be more than 0, dropout at least 0 and less than 1")

    def train(self, problem: Problem, width: int, fold: Fold) -> Trained:
        """Train on `image: uint8[batch, height, width, 3]`: the head, then the head and the base's top layers."""
        base = pretrained(self.base, self.height, self.width, self.alpha, self.weights)
        parts = split(base, self.top_layers) if self._tunes and not self.augmented_tuning else None
        base.trainable = False
        image = keras.Input((self.height, self.width, 3), dtype="uint8", name="image")
        pixels = Prepared(self.base)(image)
        pooled = _pooled(base, pixels)
        head = self._head(problem, width, pooled.shape[-1])
        model = keras.Model({"image": image}, head({"features": pooled}))
        curves = {"frozen base": self._train_head(problem, keras.Model(image, pooled), head, model, fold)}
        if self._tunes:
            _unfreeze_top(base, self.top_layers)
            if parts:
                lower, upper = parts
                changes = MIRRORED if self.augmentation.flip else PLAIN
                fold = _featured(keras.Model(image, lower(pixels)), fold, changes)
                curves["fine-tuning"] = self._tune(problem, _on_features(upper, head), fold)
            else:
                curves["fine-tuning"] = self._tune(problem, model, fold, self.augmentation.layer())
        return Trained(_with_mirror_image(model) if self.test_time_flip else model, curves)

    def settled(self, folds: Sequence[Mapping[str, Curves]]) -> Self:
        """Return the recipe unchanged: its numbers of epochs are fixed."""
        return self

    def stages(self) -> list[int]:
        """Return the epochs of each stage."""
        return [self.head_epochs, self.tuning_epochs] if self._tunes else [self.head_epochs]

    @property
    def _tunes(self) -> bool:
        return self.top_layers > 0 and self.tuning_epochs > 0

    def _head(self, problem: Problem, width: int, channels: int) -> keras.Model:
        features = keras.Input((channels,), name="features")
        hidden = keras.layers.Dropout(self.dropout)(features)
        return keras.Model({"features": features}, scores_of(problem, width, hidden))

    def _train_head(self, problem: Problem, body: Any, head: Any, model: Any, fold: Fold) -> Curves:
        fit = Fit(self.head_epochs, self.batch_size, optimizer=keras.optimizers.Adam(self.head_rate))
        augment = self.augmentation.layer() if self.augmented_head else None
        if augment is None:
            return fit.run(problem, head, _featured(body, fold, shares=self._shares))
        # Each of several workers would have to compute what all take together.
        large = self.head_epochs * fold.rows * body.output_shape[-1] > MAX_FEATURES
        if large or fold.execution.strategy.num_replicas_in_sync > 1:
            return fit.run(problem, model, fold, augment)
        epochs = {f"epoch {epoch}": augment.seeded(fold.execution.seed, epoch) for epoch in range(self.head_epochs)}
        learned = dataclasses.replace(_featured(body, fold, epochs, self._shares), versions=self.head_epochs)
        return fit.run(problem, head, learned)

    @property
    def _shares(self) -> bool:
        """Whether the frozen base is the same in each fit."""
        return self.weights != "random"

    def _tune(self, problem: Problem, model: keras.Model, fold: Fold, augment: Any = None) -> Curves:
        rate = cosine(self.tuning_rate, self.tuning_epochs, fold.rows, self.batch_size)
        fit = Fit(self.tuning_epochs, self.batch_size, optimizer=keras.optimizers.Adam(rate))
        return fit.run(problem, model, fold, augment)


def _pooled(base: Any, hidden: Any) -> Any:
    # BatchNorm stays in inference mode in both stages.
    return keras.layers.GlobalAveragePooling2D()(base(hidden, training=False))


def _with_mirror_image(model: keras.Model) -> keras.Model:
    """Return a model whose scores are the means of those of an image and of its mirror image."""
    image = keras.Input(model.input["image"].shape[1:], dtype="uint8", name="image")
    scores = [model({"image": pixels}) for pixels in (image, keras.ops.flip(image, axis=2))]
    return keras.Model({"image": image}, keras.tree.map_structure(lambda *each: keras.layers.average(each), *scores))


def _on_features(upper: keras.Model, head: keras.Model) -> keras.Model:
    """Return the part of the network that is tuned, whose input are the features of the frozen part."""
    features = keras.Input(upper.input_shape[1:], name="features")
    return keras.Model({"features": features}, head({"features": _pooled(upper, features)}))


def _featured(body: keras.Model, fold: Fold, changes: Mapping[str, Change] = PLAIN, shares: bool = False) -> Fold:
    """Return *fold* with the features that *body* computes for each image after each of the *changes*.

    With *shares*, they are taken from other fits of the same rows where these have computed them.
    """
    kept = fold.known if shares and fold.known is not None else {}
    features = {"features": features_of(body, fold.features["image"], changes, Known(kept))}
    targets = keras.tree.map_structure(lambda array: np.concatenate([array] * len(changes)), fold.targets)
    validation = fold.validation and (
        {"features": features_of(body, fold.validation[0]["image"], PLAIN, Known(kept, fold.rows))},
        fold.validation[1],
    )
    return dataclasses.replace(fold, features=features, targets=targets, validation=validation)


def _unfreeze_top(base: keras.Model, top_layers: int) -> None:
    base.trainable = True
    for layer in base.layers[:-top_layers]:
        layer.trainable = False
    for layer in base.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.trainable = False
