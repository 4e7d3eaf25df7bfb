"""Drift: how far a model's current inputs and answers are from those of its training.

A window has the counts of some instances by the bins of the contract's reference. Windows of the same contract can be
added, no matter where they were counted: in threads, processes, gateways or parts of a file.

    window = Window.of(reference, measures) + Window.of(reference, more)
    for feature in report(window): ...

The population stability index is `sum((p - q) * ln(p / q))` over the bins' shares p of the window and q of the
reference (Siddiqi 2006, "Credit Risk Scorecards"), which calls up to 0.1 stable and over 0.25 a shift. Without drift it
is, for M rows in the window, N in the reference and B bins, about (1/M + 1/N) times a chi-squared variable with B - 1
degrees of freedom (Yurdakul and Naranjo 2020, "Statistical properties of the population stability index", J. Risk Model
Validation 14(4)). So that mean is subtracted, and a window counts as too small while chance alone would exceed the
threshold more often than once in a thousand windows.

The Kolmogorov-Smirnov distance is the largest difference of the two distribution functions, here at the bins' edges.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from serving.contract.arrays import Array
from serving.contract.reference import Continuous, Feature, Measures, Reference

WATCH = 0.1
DRIFT = 0.25
"""Thresholds of the population stability index."""

_RARE = 0.01
"""Bins with a smaller share of the reference are merged, since few rows in them would weigh too much."""

_ONE_IN_A_THOUSAND = 3.0902
"""Standard deviations that a normal variable exceeds once in a thousand draws."""


class Verdict(StrEnum):
    """The result of a window for a feature."""

    STABLE = "stable"
    WATCH = "watch"
    DRIFT = "drift"
    TOO_FEW = "too few rows"


@dataclass(frozen=True)
class FeatureDrift:
    """One feature's window compared with its reference.

    *psi* is the index less its mean without drift. *chance* is the index that a window without drift exceeds once in a
    thousand windows. *ks* is for continuous features only. *outside* and *missing* are shares of the window's *rows*.
    """

    feature: str
    psi: float
    ks: float | None
    chance: float
    rows: float
    outside: float
    missing: float

    @property
    def verdict(self) -> Verdict:
        """Whether the feature drifts, if the window is large enough to say."""
        if self.chance > DRIFT:
            return Verdict.TOO_FEW
        if self.psi > DRIFT:
            return Verdict.DRIFT
        return Verdict.WATCH if self.psi > max(WATCH, self.chance) else Verdict.STABLE


@dataclass(frozen=True, eq=False)  # arrays have no single truth of equality
class Window:
    """The *counts* of *rows* instances against *reference*, in the form of `Reference.count`."""

    reference: Reference
    counts: Array
    rows: float

    @classmethod
    def empty(cls, reference: Reference) -> "Window":
        """Return a window without rows."""
        return cls(reference, np.zeros((len(reference.features), reference.width + 3)), 0)

    @classmethod
    def of(cls, reference: Reference, measures: Measures) -> "Window":
        """Count *measures*."""
        return cls(reference, reference.count(measures), len(measures.values))

    def __add__(self, other: "Window") -> "Window":
        """Merge two windows of one reference."""
        return Window(self.reference, self.counts + other.counts, self.rows + other.rows)

    def __sub__(self, earlier: "Window") -> "Window":
        """Subtract what was counted *earlier*."""
        return Window(self.reference, self.counts - earlier.counts, self.rows - earlier.rows)


def report(window: Window) -> list[FeatureDrift]:
    """Compare each feature of *window* with its reference."""
    width = window.reference.width
    return [
        _compared(feature, row[: len(feature.bins)], window.rows, row[width:])
        for feature, row in zip(window.reference.features, window.counts, strict=True)
    ]


def psi(window: Sequence[float] | Array, reference: Sequence[float] | Array) -> float:
    """Return the population stability index of counts by bin. Half a row added to each keeps empty bins finite."""
    p, q = (_shares(np.asarray(counts, np.float64)) for counts in (window, reference))
    return float(((p - q) * np.log(p / q)).sum())


def ks(window: Sequence[float] | Array, reference: Sequence[float] | Array) -> float:
    """Return the Kolmogorov-Smirnov distance of counts by bin, or 0 if one side has no rows."""
    counts = [np.asarray(each, np.float64) for each in (window, reference)]
    if not all(each.sum() for each in counts):
        return 0.0
    one, other = (each.cumsum() / each.sum() for each in counts)
    return float(np.abs(one - other).max())


def _compared(feature: Feature, counts: Array, rows: float, sides: Array) -> FeatureDrift:
    reference = np.asarray(feature.counts)
    window, pooled = _pooled(counts, reference)
    degrees = len(pooled) - 1
    size = _inverse(counts.sum()) + _inverse(reference.sum())
    continuous = isinstance(feature, Continuous)
    below, above, missing = sides
    return FeatureDrift(
        feature=feature.name,
        psi=max(0.0, psi(window, pooled) - degrees * size) if counts.sum() else 0.0,
        ks=ks(counts, reference) if continuous else None,
        chance=(_chi_squared(degrees) - degrees) * size,
        rows=rows,
        outside=float(below + above) / rows if rows else 0.0,
        missing=float(missing) / rows if rows else 0.0,
    )


def _pooled(window: Array, reference: Array) -> tuple[Array, Array]:
    """Merge the bins that are rare in the reference."""
    rare = reference < _RARE * reference.sum()
    if rare.sum() < 2:
        return window, reference
    return tuple(np.append(counts[~rare], counts[rare].sum()) for counts in (window, reference))  # type: ignore[return-value]


def _shares(counts: Array) -> Array:
    shares: Array = (counts + 0.5) / (counts.sum() + 0.5 * len(counts))
    return shares


def _inverse(count: float) -> float:
    return 1 / count if count > 0 else math.inf


def _chi_squared(degrees: int) -> float:
    """Return what a chi-squared variable exceeds once in a thousand draws (Wilson and Hilferty 1931, PNAS 17).

    With a single bin nothing varies. Return 1 then, so that a window still needs some rows.
    """
    if not degrees:
        return 1.0
    spread = 2 / (9 * degrees)
    return degrees * float(1 - spread + _ONE_IN_A_THOUSAND * math.sqrt(spread)) ** 3
