"""Scales of an array's channels, each on its own; what is missing in one counts as its mean."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from serving.contract import states
from serving.contract.arrays import Array
from serving.contract.encoders.scaling import Scaling, as_float32, moments, scaling_of

ChannelScale = Literal["none", "standard", "minmax"]

BLOCK = 1 << 20
"""So many numbers are in memory at a time while scales are fitted."""


@dataclass(frozen=True)
class Channels:
    """Computes (x - offset) / divisor by channel; NaN counts as that channel's mean in training."""

    scale: ChannelScale
    means: tuple[float, ...]
    offsets: tuple[float, ...]
    divisors: tuple[float, ...]

    def __post_init__(self) -> None:
        if self.scale not in get_args(ChannelScale):
            raise states.Misfit("scale", f"expected one of {', '.join(get_args(ChannelScale))}, got {self.scale!r}")
        if not self.means or not len(self.means) == len(self.offsets) == len(self.divisors):
            raise ValueError("means, offsets, divisors: expected one of each for each channel")
        if not all(divisor > 0 for divisor in self.divisors):
            raise states.Misfit("divisors", "expected numbers above 0")

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


@dataclass
class _Seen:
    """What was seen of one channel: how many numbers, the least and greatest, and their moments."""

    count: int = 0
    low: float = np.inf
    high: float = -np.inf
    mean: float = 0.0
    deviation: float = 0.0

    def add(self, numbers: Array) -> None:
        """See a block of numbers, of which at least one is not NaN."""
        of_block = moments(numbers)
        count = int(np.count_nonzero(~np.isnan(numbers)))
        self.low, self.high = min(self.low, float(np.nanmin(numbers))), max(self.high, float(np.nanmax(numbers)))
        if not self.count:
            self.count, (self.mean, self.deviation) = count, of_block
            return
        mean, deviation = of_block  # Chan et al. 1979, "Updating formulae and a pairwise algorithm"
        share = count / (self.count + count)
        apart = mean - self.mean
        variance = self.deviation**2 * (1 - share) + deviation**2 * share + apart**2 * share * (1 - share)
        self.count, self.mean, self.deviation = self.count + count, self.mean + apart * share, float(np.sqrt(variance))

    def scaling(self, scale: ChannelScale) -> Scaling:
        """Return the scaling that suits what was seen."""
        return scaling_of(scale, self.low, self.high, self.mean, self.deviation)


def fit_channels(scale: ChannelScale, blocks: Iterable[Array]) -> Channels:
    """Fit to *blocks* of `float64[n, channels]`; raises ValueError for a channel without a number.

    Of numbers in one block, the moments are those of the whole; else they are put together from those of the blocks.
    """
    if scale not in get_args(ChannelScale):
        raise states.Misfit("scale", f"expected one of {', '.join(get_args(ChannelScale))}, got {scale!r}")
    seen: dict[int, _Seen] = {}
    for block in blocks:
        for channel, column in enumerate(block.T):
            of_channel = seen.setdefault(channel, _Seen())
            if not np.isnan(column).all():
                of_channel.add(column)
    for channel, of_channel in seen.items():
        if not of_channel.count:
            raise ValueError(f"expected at least one number in each channel, got none in channel {channel}")
    scalings = [of_channel.scaling(scale) for of_channel in seen.values()]
    return Channels(
        scale,
        tuple(of_channel.scaling("standard").offset for of_channel in seen.values()),
        tuple(it.offset for it in scalings),
        tuple(it.divisor for it in scalings),
    )
