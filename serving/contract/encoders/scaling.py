"""Scales of numbers: fitted on the rows of training, NaN left out."""

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from serving.contract import states
from serving.contract.arrays import Array

Scale = Literal["none", "standard", "minmax", "log", "quantile"]
"""`standard`: minus the mean, by the deviation. `minmax`: training's least is 0, its greatest 1.

`log`: log(1 + x), of a negative number -log(1 - x), then as `standard`. `quantile`: the share of training's rows that
are smaller, 0 to 1."""

LARGEST = 1e30
"""The size of the largest number that is read; float32 ends at 3e38."""
_SMALLEST = 1e-30
MOST_QUANTILES = 1000


@dataclass(frozen=True)
class Scaling:
    """Computes (x - *offset*) / *divisor*, of the logarithm for `log`; for `quantile` goes by *quantiles*."""

    scale: Scale
    offset: float = 0.0
    divisor: float = 1.0
    quantiles: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if self.scale not in get_args(Scale):
            raise states.Misfit("scale", f"expected one of {', '.join(get_args(Scale))}, got {self.scale!r}")
        if not self.divisor > 0:
            raise states.Misfit("divisor", f"expected a number above 0, got {self.divisor}")
        if (self.scale == "quantile") != bool(self.quantiles) or list(self.quantiles) != sorted(self.quantiles):
            raise states.Misfit("quantiles", "expected them in ascending order, and only for the scale 'quantile'")
        if len(self.quantiles) > MOST_QUANTILES:
            raise states.Misfit("quantiles", f"expected at most {MOST_QUANTILES:,}, got {len(self.quantiles):,}")

    @classmethod
    def fit(cls, scale: Scale, values: Array, quantiles: int = 100) -> "Scaling":
        """Fit to `values: float64[n]`, of which at least one is not NaN."""
        if scale == "quantile":
            return cls(scale, quantiles=_quantiles(values, quantiles))
        scaled = _log(values) if scale == "log" else values
        return scaling_of(scale, float(np.nanmin(scaled)), float(np.nanmax(scaled)), *moments(scaled))

    def scaled(self, values: Array) -> Array:
        """Return the scaled values, of the same shape, in float64; NaN stays."""
        if self.scale == "none":
            return values
        if self.scale == "quantile":
            return self._share(values)
        return ((_log(values) if self.scale == "log" else values) - self.offset) / self.divisor

    def _share(self, values: Array) -> Array:
        """Interpolate as scikit-learn's QuantileTransformer does: from both sides, since quantiles may repeat."""
        quantiles, shares = np.array(self.quantiles), np.linspace(0, 1, len(self.quantiles))
        share = (np.interp(values, quantiles, shares) - np.interp(-values, -quantiles[::-1], -shares[::-1])) / 2
        share = np.where(values == quantiles[-1], 1.0, share)
        return np.where(values == quantiles[0], 0.0, share)

    def to_state(self) -> dict[str, Any]:
        """Return the fitted state as JSON values."""
        return {
            "scale": self.scale,
            "offset": self.offset,
            "divisor": self.divisor,
            "quantiles": list(self.quantiles),
        }

    @classmethod
    def from_state(cls, state: Any) -> "Scaling":
        """Read what `to_state` returned; raises ValueError, KeyError or TypeError."""
        return cls(
            states.choice(state, "scale", get_args(Scale)),
            states.finite(state, "offset"),
            states.finite(state, "divisor"),
            states.finites(state, "quantiles"),
        )


def as_float32(values: Array) -> Array:
    """Return *values* as float32, those beyond LARGEST in size cut off there: none becomes infinite."""
    return np.minimum(np.maximum(values, -LARGEST), LARGEST).astype(np.float32)


def moments(values: Array) -> tuple[float, float]:
    """Return mean and deviation of `values: float64[n]`, of which at least one is not NaN."""
    column = values[:, None]  # summed up as a table of one column is
    return float(np.nanmean(column, axis=0)[0]), float(np.nanstd(column, axis=0)[0])


def scaling_of(scale: Scale, low: float, high: float, mean: float, deviation: float) -> Scaling:
    """Return the scaling of numbers from *low* to *high* with these moments, which are those of the logarithms."""
    if scale == "minmax":
        return Scaling(scale, low, high - low if high - low >= _SMALLEST else 1.0)
    if scale == "none":
        return Scaling(scale)
    if low == high:
        return Scaling(scale, low)  # a constant column becomes zeros; the mean of it may be off by a rounding
    return Scaling(scale, mean, deviation if deviation >= _SMALLEST else 1.0)


def _quantiles(values: Array, most: int) -> tuple[float, ...]:
    count = max(1, min(most, len(values)))
    quantiles = np.nanpercentile(values, np.linspace(0, 1, count) * 100)
    return tuple(np.maximum.accumulate(quantiles).tolist())  # rounding may put two of them out of order


def _log(values: Array) -> Array:
    return np.copysign(np.log1p(np.abs(values)), values)
