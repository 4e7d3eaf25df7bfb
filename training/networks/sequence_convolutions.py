"""A convolutional network over series and texts."""

from dataclasses import dataclass
from typing import Any

import keras

from training.errors import BadRequest
from training.networks.mixed import Mixed
from training.networks.sequences import Masked


@dataclass(frozen=True, kw_only=True)
class SequenceConvNet(Mixed):
    """Finds patterns of *kernel* steps in each series and text, and joins them with all other inputs.

    Each of *convolutions* is a convolution of so many patterns; *separable* ones have fewer weights. In a series, where
    a pattern is matters: pooling follows each. Of a text, the strongest match of each pattern counts, wherever it is.
    Raises BadRequest if a setting is out of range.
    """

    convolutions: tuple[int, ...] = (32, 32)
    kernel: int = 5
    separable: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (self.convolutions and all(count >= 1 for count in self.convolutions) and self.kernel >= 1):
            raise BadRequest("there must be convolutions, and each of them and kernel must be at least 1")

    def _text(self, tokens: Any, counts: Any) -> Any:
        hidden = Masked()(tokens, counts)
        for patterns in self.convolutions:
            hidden = Masked()(self._convolved(hidden, patterns), counts)
        return keras.layers.GlobalMaxPooling1D()(hidden)

    def _steps(self, steps: Any, counts: Any | None) -> Any:
        hidden = steps
        for patterns in self.convolutions:
            hidden = keras.layers.MaxPooling1D(2, padding="same")(self._convolved(hidden, patterns))
        return keras.layers.Flatten()(hidden)

    def _convolved(self, hidden: Any, patterns: int) -> Any:
        if self.separable:
            layer = keras.layers.SeparableConv1D(
                patterns,
                self.kernel,
                padding="same",
                activation="relu",
                depthwise_regularizer=self._penalty(),
                pointwise_regularizer=self._penalty(),
            )
        else:
            layer = keras.layers.Conv1D(
                patterns, self.kernel, padding="same", activation="relu", kernel_regularizer=self._penalty()
            )
        return layer(hidden)
