"""Scales of an array's channels, each on its own; what is missing in one counts as its mean."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from serving.contract import states
from serving.contract.arrays import Array
from serving.contract.encoders.scaling import Scaling, as_float32

ChannelScale = Literal["none", "standard", "minmax"]


@dataclass(frozen=True)
class Channels:
    """Computes (x - offset) / divisor by channel; NaN counts as that channel's mean in training."""

    scale: ChannelScale
    means: tuple[float, ...]
    offsets: tuple[float, ...]
    divisors: tuple[float, ...]

    def __post_init__(self) -> None:
        if self.scale not in get_args(ChannelScale):
            raise ValueError(f"scale: expected one of {', '.join(get_args(ChannelScale))}, got {self.scale!r}")
        if not self.means or not len(self.means) == len(self.offsets) == len(self.divisors):
            raise ValueError("means, offsets, divisors: expected one of each for each channel")
        if not all(divisor > 0 for divisor in self.divisors):
            raise ValueError("divisors: expected numbers above 0")

    @classmethod
    def fit(cls, scale: ChannelScale, values: Array) -> "Channels":
        """Fit to `values: float64[n, channels]`; raises ValueError for a channel without a number."""
        empty = np.flatnonzero(np.isnan(values).all(axis=0))
        if len(empty):
            raise ValueError(f"expected at least one number in each channel, got none in channel {empty[0]}")
        if scale not in get_args(ChannelScale):
            raise ValueError(f"scale: expected one of {', '.join(get_args(ChannelScale))}, got {scale!r}")
        means = [Scaling.fit("standard", column).offset for column in values.T]
        scalings = [Scaling.fit(scale, column) for column in values.T]
        offsets, divisors = (it.offset for it in scalings), (it.divisor for it in scalings)
        return cls(scale, tuple(means), tuple(offsets), tuple(divisors))

    def scaled(self, values: Array) -> Array:
        """Scale `values: float64[n, channels]` to float32."""
        filled = np.where(np.isnan(values), self.means, values)
        return as_float32((filled - self.offsets) / self.divisors)

    def to_state(self) -> dict[str, Any]:
        """Return the fitted state as JSON values."""
        numbers = {"means": list(self.means), "offsets": list(self.offsets), "divisors": list(self.divisors)}
        return {"scale": self.scale} | numbers

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> "Channels":
        """Read what `to_state` returned; raises ValueError, KeyError or TypeError."""
        numbers = (states.finites(state, name) for name in ("means", "offsets", "divisors"))
        return cls(states.choice(state, "scale", get_args(ChannelScale)), *numbers)
