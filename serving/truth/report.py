"""What is known of each version's answers within a window: the values that commands print and gauges show."""

import math
from dataclasses import dataclass

from serving.statistics.intervals import Sums, mean_interval, share_interval
from serving.truth.comparing import MAE, SHARES


@dataclass(frozen=True)
class Measure:
    """One measure of one head ("" for the only one), over *answers* whose truth is known.

    *interval* holds the true value with 95 %; None if there are too few answers. *total* and *squares* are the plain
    sums of what each answer counted, and of its square.
    """

    head: str
    name: str
    answers: int
    value: float
    interval: tuple[float, float] | None
    total: float
    squares: float

    @classmethod
    def of(cls, head: str, name: str, sums: Sums, total: float, squares: float) -> "Measure":
        """Estimate the measure from weighted *sums*."""
        most = math.inf if name == MAE else 1.0
        interval = share_interval(sums) if name in SHARES else mean_interval(sums, most)
        return cls(head, name, sums.answers, sums.estimate, interval, total, squares)


@dataclass(frozen=True)
class PairedMeasure:
    """One measure of one head of *answers* that *version* gave, and *shadow* too, to the same instances.

    Of so many the shadow's value is *lower*, or *higher*; *total* is the sum of the version's values, *difference* that
    of the shadow's less the version's, and *squares* that of the differences' squares. Where some answers are captured
    with a larger share than others, that is weighed out.
    """

    version: int
    shadow: int
    head: str
    name: str
    answers: int
    lower: float
    higher: float
    total: float
    difference: float
    squares: float

    @property
    def shadow_better(self) -> float:
        """Of how many the shadow alone is right, or has the smaller error."""
        return self.lower if self.name == MAE else self.higher

    @property
    def shadow_worse(self) -> float:
        """Of how many the version alone is right, or has the smaller error."""
        return self.higher if self.name == MAE else self.lower

    @classmethod
    def of(
        cls, version: int, shadow: int, head: str, name: str, answers: int, weight: float, *sums: float
    ) -> "PairedMeasure":
        """Return that of weighted *sums* whose weights sum up to *weight*."""
        lower, higher, total, difference, squares = (value * answers / weight for value in sums)
        return cls(version, shadow, head, name, answers, lower, higher, total, difference, squares)


@dataclass(frozen=True)
class VersionTruth:
    """A version's captured *answers*, of which the truth of *known* is known.

    *coverage* is their share among what the captures stand for. The truth came *delay* after the answer: the median,
    and what 90 % of the delays don't exceed (seconds; None without truth). The newest came at *last* (Unix seconds).
    """

    version: int
    answers: int
    known: int
    coverage: float
    delay: tuple[float, float] | None
    last: float | None
    measures: tuple[Measure, ...]


@dataclass(frozen=True)
class Report:
    """What is known of answers from *since* to *until* (Unix seconds), by version.

    Of the truths read, *unknown* are of no captured answer of the window (yet), *duplicates* said again what was known,
    *corrections* said something else, and *incomparable* are of another kind than their answer. *paired* compares
    versions with their shadows.
    """

    since: float
    until: float
    versions: tuple[VersionTruth, ...]
    unknown: int
    duplicates: int
    corrections: int
    incomparable: int
    paired: tuple[PairedMeasure, ...] = ()
