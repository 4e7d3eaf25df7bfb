"""What is known of a canary and of the stable version since a step began, and what is decided of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Self


@dataclass(frozen=True)
class Histogram:
    """How many values are up to each of *bounds* (ascending) and above the one before.

    *counts* has one more, of the values above the last bound. They may be estimates, so not whole.
    """

    bounds: tuple[float, ...]
    counts: tuple[float, ...]

    def __post_init__(self) -> None:
        """Raise ValueError if there is not one count more than bounds, or the bounds don't ascend."""
        if len(self.counts) != len(self.bounds) + 1:
            raise ValueError(f"{len(self.bounds)} bounds need one more count, not {len(self.counts)}")
        if any(lower >= upper for lower, upper in pairwise(self.bounds)):
            raise ValueError(f"the bounds do not ascend: {self.bounds}")

    @classmethod
    def of_cumulative(cls, bounds: Sequence[float], counts: Sequence[float]) -> Self:
        """Return that of a Prometheus histogram, whose *counts* are of all values up to a bound; +Inf has the last.

        Estimated counts can fall by a little from one bound to the next, which counts as none.
        """
        alone = (max(0.0, upper - lower) for lower, upper in pairwise((0.0, *counts)))
        return cls(tuple(bounds), tuple(alone))


class Latencies(Histogram):
    """A histogram of seconds."""


@dataclass(frozen=True)
class RightAnswers:
    """Of *answers* whose truth is known, *right* were right."""

    answers: float
    right: float


@dataclass(frozen=True)
class AbsoluteErrors:
    """The absolute errors of *answers* whose truth is known: their sum *total*, and *squares*, the sum of squares."""

    answers: float
    total: float
    squares: float


@dataclass(frozen=True)
class PairedAnswers:
    """Of *answers* whose truth is known and that both versions gave, those that were right from one of them only."""

    answers: float
    canary_right: float
    stable_right: float


@dataclass(frozen=True)
class PairedErrors:
    """The absolute errors of *answers* whose truth is known and that both versions gave.

    *total* is the sum of the canary's less the stable version's, *squares* that of these differences' squares, and
    *stable* the sum of the stable version's.
    """

    answers: float
    total: float
    squares: float
    stable: float


@dataclass(frozen=True)
class Seen:
    """What one version did since the step began. A part that nobody knows is None, which differs from zero.

    *requests* are all that it answered or should have. Of these, *errors* had a status of 500 or more, and *refusals*
    were refused as invalid (400 and 422), since a new contract may refuse what the old one took. *latencies* are of all
    requests. *predictions* are instances by predicted label or tag, or a histogram of predicted values, whose bounds
    may differ from the other version's. *parity_failures* are parity checks that failed. *truth* has the right answers
    of a model of labels, or the absolute errors of one of values.
    """

    requests: float
    errors: float
    refusals: float | None = None
    latencies: Latencies | None = None
    predictions: Mapping[str, float] | Histogram | None = None
    parity_failures: float | None = None
    truth: RightAnswers | AbsoluteErrors | None = None


@dataclass(frozen=True)
class Evidence:
    """What *canary* and *stable* did in the *seconds* since the step began: each look at them gives one, in order.

    *paired* is of requests that the stable version answered, and the canary too, as its shadow.
    """

    seconds: float
    canary: Seen
    stable: Seen
    paired: PairedAnswers | PairedErrors | None = None


class Kind(StrEnum):
    """What to do."""

    WAIT = "wait"
    ADVANCE = "advance"
    ROLL_BACK = "roll_back"
    DONE = "done"


@dataclass(frozen=True)
class Decision:
    """What to do, and *why* in a plain sentence."""

    kind: Kind
    why: str
