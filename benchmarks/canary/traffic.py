"""Made-up traffic of a canary and of the stable version, for many runs at once, with a fault of the canary's.

Latencies are lognormal, with the median and the 99th percentile that docs/performance.md has for texts under 32 callers
(8.15 and 17.4 ms). Labels have the shares that the model `topic` predicted for 400 real texts, of which it got 80 %
right.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import erf

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Generator = np.random.Generator

BOUNDS = np.array([0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0])
"""Of `plumbline_gateway_request_seconds`."""
LABELS = np.array([148, 96, 22, 21, 20, 17, 12, 8, 7, 6, 6, 6, 6, 25]) / 400
"""earn, acq, money-fx, grain, trade, crude, ...; the last is of all that had less than 1 %."""

_MEDIAN, _SIGMA = 0.00815, float(np.log(17.4 / 8.15) / 2.326)
_ERRORS, _REFUSALS, _WRONG = 0.001, 0.01, 0.2
_KNOWN, _DELAY = 0.2, 60.0
"""A fifth of the answers get to be judged, a minute later on average."""
_APART = 0.1
"""Of so many of the answers that both versions gave, one is right and the other wrong."""
_SLOW, _SLOWNESS = 0.02, 5.0
_DAY = 86_400.0
_normal = np.vectorize(lambda z: 0.5 * (1 + erf(z / 2**0.5)), otypes=[np.float64])


@dataclass(frozen=True)
class Fault:
    """What is wrong with the canary; by default nothing.

    *wrong*, *failing* and *refused* are further shares of its requests. It is *slower* times as slow. *skew* is the
    share of its other answers that become the most frequent label. Of both versions' requests, *together* fail at a
    time on average, and are slow together too if that is more than one. With *day* the rate swings by that share over
    the day, and with it errors, latencies and labels, from a random hour on. Latencies are *spread* times as wide.
    Of the stable version's requests the canary answers *shadowed* too, of which *shadow_wrong* more are wrong.
    """

    name: str
    wrong: float = 0.0
    slower: float = 1.0
    skew: float = 0.0
    failing: float = 0.0
    refused: float = 0.0
    together: float = 1.0
    day: float = 0.0
    spread: float = 1.0
    shadowed: float = 0.0
    shadow_wrong: float = 0.0

    def of_both(self) -> "Fault":
        """Return what befalls the stable version, too."""
        shadow = {"shadowed": self.shadowed, "shadow_wrong": self.wrong}
        return Fault(self.name, together=self.together, day=self.day, spread=self.spread, **shadow)


FAULTS = (
    Fault("equally good"),
    Fault("equally good, failures in groups of 8", together=8),
    Fault("equally good, traffic swings by half over the day", day=0.5),
    Fault("equally good, latencies spread widely", spread=4),
    Fault("equally good, and a shadow of all", shadowed=1),
    Fault("hardly worse", wrong=0.003, slower=1.03, skew=0.02, failing=0.0003),
    Fault("hardly worse, and a shadow of all", wrong=0.003, slower=1.03, skew=0.02, failing=0.0003, shadowed=1),
    Fault("3 points more answers wrong", wrong=0.03),
    Fault("3 points more answers wrong, and a shadow of all", wrong=0.03, shadowed=1),
    Fault("30 % slower", slower=1.3),
    Fault("30 % slower, latencies spread widely", slower=1.3, spread=4),
    Fault("a quarter of other answers become one label", skew=0.25),
    Fault("0.5 % of requests fail", failing=0.005),
    Fault("0.5 % of requests fail, others in groups of 8", failing=0.005, together=8),
    Fault("2 % of requests are refused", refused=0.02),
)
"""What is simulated. The last eight are to be found, the first seven are not to be rolled back."""
GOOD = 7


@dataclass(frozen=True)
class Counts:
    """What one version did by run and look (then by bucket or label); *known* and *wrong* are of answers with truth.

    Of the stable version's, *paired* have the shadow's too; of some only the shadow's was wrong, or only this one.
    """

    requests: Numbers
    errors: Numbers
    refusals: Numbers
    latencies: Numbers
    labels: Numbers
    known: Numbers
    wrong: Numbers
    paired: Numbers
    only_shadow_wrong: Numbers
    only_this_wrong: Numbers

    def summed(self) -> "Counts":
        """Return what was counted until each look."""
        return self._each(lambda counts: counts.cumsum(1))

    def of(self, runs: NDArray[np.int64] | NDArray[np.bool_]) -> "Counts":
        """Return those of some runs."""
        return self._each(lambda counts: counts[runs])

    def at(self, looks: NDArray[np.int64]) -> "Counts":
        """Return those of one look of each run."""
        return self._each(lambda counts: counts[np.arange(len(looks)), looks, None])

    def then(self, later: "Counts") -> "Counts":
        """Return these and *later* ones."""
        return self._each(lambda counts, more: np.concatenate([counts, more], 1), later)

    def put(self, runs: NDArray[np.int64], others: "Counts") -> "Counts":
        """Replace those of some runs."""

        def put(counts: Numbers, more: Numbers) -> Numbers:
            counts[runs] = more
            return counts

        return self._each(put, others)

    def first_of(self, looks: int, is_new: bool) -> "Counts":
        """Return these (of one look), if they are new, as the first of so many *looks* without any."""
        return self._each(lambda counts: np.append(counts * is_new, np.zeros_like(counts).repeat(looks - 1, 1), 1))

    def _each(self, change: Callable[..., Numbers], *others: "Counts") -> "Counts":
        return Counts(**{name: change(*(vars(each)[name] for each in (self, *others))) for name in vars(self)})


def draw(random: Generator, fault: Fault, rate: float, begins: Numbers, lengths: Numbers, phases: Numbers) -> Counts:
    """Return what a version with *fault* counts between looks, at its own *rate* a second.

    The time between looks begins at *begins* (runs x looks) and lasts *lengths* (looks) seconds. *phases* are the
    hours at which runs begin, as shares of a day.
    """
    swing = fault.day * np.sin(2 * np.pi * (begins / _DAY + phases[:, None]))
    requests = random.poisson(rate * lengths * (1 + swing)).astype(float)
    errors = _together(random, requests, _ERRORS * (1 + swing), fault.together)
    errors = np.minimum(requests, errors + random.binomial(requests.astype(int), fault.failing))
    answered = (requests - errors).astype(int)
    known = _delayed(random, random.binomial(answered, _KNOWN), lengths)
    paired, only_shadow, only_this = _pairs(random, known, fault)
    return Counts(
        requests,
        errors,
        refusals=random.binomial(answered, _REFUSALS + fault.refused).astype(float),
        latencies=_latencies(random, requests, fault, swing),
        labels=random.multinomial(answered, _labels(fault, swing)).astype(float),
        known=known.astype(float),
        wrong=random.binomial(known, _WRONG + fault.wrong).astype(float),
        paired=paired,
        only_shadow_wrong=only_shadow,
        only_this_wrong=only_this,
    )


def _pairs(random: Generator, known: NDArray[np.int64], fault: Fault) -> tuple[Numbers, Numbers, Numbers]:
    paired = random.binomial(known, fault.shadowed)
    worse, better = ((_APART + sign * fault.shadow_wrong) / 2 for sign in (1, -1))
    apart = random.multinomial(paired, (worse, better, 1 - _APART)).astype(float)
    return paired.astype(float), apart[..., 0], apart[..., 1]


def _together(random: Generator, requests: Numbers, share: Numbers | float, together: float) -> Numbers:
    """Return how many of *requests* fail (or are slow), as so many do *together* on average."""
    events = random.poisson(requests * share / together)
    more = random.negative_binomial(np.maximum(events, 1), 1 / together) if together > 1 else 0
    return np.minimum(requests, events + np.where(events > 0, more, 0))


def _latencies(random: Generator, requests: Numbers, fault: Fault, swing: Numbers) -> Numbers:
    slow = _together(random, requests, _SLOW, fault.together) if fault.together > 1 else np.zeros_like(requests)
    factor = fault.slower * (1 + swing) if fault.day else np.array(fault.slower)
    usual = random.multinomial((requests - slow).astype(int), _buckets(factor, fault.spread))
    delayed = random.multinomial(slow.astype(int), _buckets(factor * _SLOWNESS, fault.spread))
    return (usual + delayed).astype(float)


def _buckets(factor: Numbers, spread: float) -> Numbers:
    """Return the shares of latencies by bucket, if they are *factor* times as long."""
    below = _normal(np.log(BOUNDS / _MEDIAN / factor[..., None]) / (spread * _SIGMA))
    shares: Numbers = np.diff(below, prepend=0.0, append=1.0).clip(0)
    return shares


def _labels(fault: Fault, swing: Numbers) -> Numbers:
    first = np.eye(len(LABELS))[0]
    moved = (swing / 5)[..., None] if fault.day else 0.0
    usual = np.clip(LABELS + moved * (first - LABELS), 0, 1)
    labels: Numbers = usual + fault.skew * (first - usual)
    return labels


def _delayed(random: Generator, answers: NDArray[np.int64], lengths: Numbers) -> NDArray[np.int64]:
    """Return when the truth of *answers* comes, each after an exponentially distributed delay."""
    waiting, came = np.zeros_like(answers[:, 0]), np.zeros_like(answers)
    for look, length in enumerate(lengths):
        waiting += answers[:, look]
        came[:, look] = random.binomial(waiting, 1 - np.exp(-length / _DELAY))
        waiting -= came[:, look]
    return came
