"""Transfer learning in two stages: a head on a frozen pretrained base, then fine-tuning of the base's top."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import keras

from training.augmentation import Augmentation
from training.datasets import download
from training.fitting import Fit
from training.networks import scores_of
from training.problems import Problem
from training.task import Curves, Fold, Trained


@dataclass(frozen=True, kw_only=True)
class Transfer:
    """Which base of `keras.applications`, and how long and how fast each stage learns."""

    height: int = 150
    width: int = 150
    base: str = "MobileNet"
    base_options: dict[str, Any] = field(default_factory=lambda: {"alpha": 0.75})
    augmentation: Augmentation = Augmentation(flip=True, turn=0.05, zoom=0.1)  # noqa: RUF009 - frozen
    dropout: float = 0.2
    head_epochs: int = 4
    head_rate: float = 1e-3
    top_layers: int = 12
    tuning_epochs: int = 2
    tuning_rate: float = 1e-5
    batch_size: int = 32

    def train(self, problem: Problem, width: int, fold: Fold) -> Trained:
        """Train on `image`, head first, then the base's top layers with it."""
        base = pretrained(self)
        base.trainable = False
        image = keras.Input((self.height, self.width, 3), dtype="uint8", name="image")
        hidden = keras.layers.Rescaling(1 / 127.5, offset=-1)(image)
        hidden = base(hidden, training=False)  # BatchNorm stays in inference mode in both stages
        hidden = keras.layers.GlobalAveragePooling2D()(hidden)
        hidden = keras.layers.Dropout(self.dropout)(hidden)
        model = keras.Model({"image": image}, scores_of(problem, width, hidden))
        head = self._fit(problem, model, fold, self.head_rate, self.head_epochs)
        _unfreeze_top(base, self.top_layers)
        tuning = self._fit(problem, model, fold, self.tuning_rate, self.tuning_epochs)
        return Trained(model, {"frozen base": head, "fine-tuning": tuning})

    def settled(self, folds: Sequence[Mapping[str, Curves]]) -> Self:
        """Keep the recipe: its stages have a set length."""
        return self

    def _fit(self, problem: Problem, model: keras.Model, fold: Fold, rate: float, epochs: int) -> Curves:
        fit = Fit(epochs, self.batch_size, optimizer=keras.optimizers.Adam(rate))
        return fit.run(problem, model, fold, self.augmentation.layer())


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
