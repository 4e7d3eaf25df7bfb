"""Canaries by the thousand, each raised step by step as the judge decides."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.canary.traffic import BOUNDS, Counts, Fault, Numbers, draw
from serving.canary import comparisons
from serving.canary.comparisons import Odds
from serving.canary.findings import LONG, MEASURES, TRUTH, TYPICAL
from serving.canary.judge import FEWEST_LOOKS
from serving.canary.settings import Plan, Settings

Numbered = NDArray[np.int64]

PASSED, UNDECIDED = -1, -2

_LOOK, _LATER_LOOK = 15.0, 150.0
"""Seconds between looks, while the judge is patient and then."""
_LONGEST = 24
"""Holds after which a step counts as undecided."""


@dataclass(frozen=True)
class Outcomes:
    """How runs ended: by a roll-back in which of *steps* (or PASSED, UNDECIDED), by which of *measures*, when and how.

    *seconds* are since they began, and *requests* are the canary's by then.
    """

    steps: Numbered
    measures: Numbered
    seconds: Numbers
    requests: Numbers

    @property
    def is_rolled_back(self) -> NDArray[np.bool_]:
        """Whether each run was rolled back."""
        return self.steps >= 0


def simulate(fault: Fault, rate: float, runs: int, seed: int, plan: Plan, settings: Settings) -> Outcomes:
    """Raise *runs* canaries with *fault* by *plan*, at *rate* requests a second for both versions together."""
    random = np.random.default_rng(seed)
    phases, times = random.random(runs), looks(plan, settings)
    outcomes = Outcomes(*np.full((2, runs), PASSED), *np.zeros((2, runs)))
    going, earlier = np.arange(runs), None
    for step, percent in enumerate(plan.percents):
        earlier = earlier if plan.is_alone(step) else None
        traffic = _Traffic(random, fault, rate, percent / 100, outcomes.seconds[going], phases[going], earlier)
        ends = decide(traffic, len(going), times, step, plan, settings)
        outcomes.steps[going], outcomes.measures[going] = ends.steps, ends.measures
        outcomes.seconds[going] += times[ends.looks]
        outcomes.requests[going] += ends.canary.requests[:, 0]
        passed = (ends.steps == PASSED).nonzero()[0]
        earlier, going = ends.stable.of(passed), going[passed]
    return outcomes


def looks(plan: Plan, settings: Settings) -> Numbers:
    """Return the times of looks since a step began."""
    patient, end = settings.patience * plan.hold, _LONGEST * plan.hold
    often, seldom = np.arange(_LOOK, patient + 1, _LOOK), np.arange(patient + _LATER_LOOK, end + 1, _LATER_LOOK)
    return np.concatenate([often, seldom])


Draw = Callable[[Numbered, Numbers, Numbers], tuple[Counts, Counts]]
"""Returns what canary and stable version of some runs count between looks, from times on and for so long."""


@dataclass(frozen=True)
class _Traffic:
    """Draws that of one step, which began at *begins*. *earlier* is the stable version's, if it gets nothing now."""

    random: np.random.Generator
    fault: Fault
    rate: float
    share: float
    begins: Numbers
    phases: Numbers
    earlier: Counts | None

    def __call__(self, runs: Numbered, times: Numbers, lengths: Numbers) -> tuple[Counts, Counts]:
        when = self.begins[runs, None] + times, lengths, self.phases[runs]
        canary = draw(self.random, self.fault, self.rate * self.share, *when)
        if self.earlier:
            return canary, self.earlier.of(runs).first_of(len(times), is_new=times[0] == 0)
        return canary, draw(self.random, self.fault.of_both(), self.rate * (1 - self.share), *when)


@dataclass(frozen=True)
class Ends:
    """In which step each run was rolled back (or PASSED, UNDECIDED), by which measure, at which look, and counts."""

    steps: Numbered
    measures: Numbered
    looks: Numbered
    canary: Counts
    stable: Counts


def decide(drawn: Draw, runs: int, times: Numbers, step: int, plan: Plan, settings: Settings) -> Ends:
    """Return how a step ends, by run: `judge` for many runs at a time."""
    steps, measures, ends = np.full(runs, UNDECIDED), np.full(runs, -1), np.full(runs, len(times) - 1)
    begins, lengths = np.concatenate([[0], times[:-1]]), np.diff(times, prepend=0)
    going, begin = np.arange(runs), 0
    counted: list[Counts] = []
    last: list[Counts] = []
    for seconds in (plan.hold, settings.patience * plan.hold, times[-1]):  # most end early
        part = slice(begin, min(len(times), int(np.searchsorted(times, seconds)) + 1))
        more = drawn(going, begins[part], lengths[part])
        counted = [before.then(now) for before, now in zip(counted, more, strict=True)] if counted else list(more)
        canary, stable = (each.summed() for each in counted)
        worse, is_awaited = _judged(canary, stable, times[: part.stop], step, plan, settings)
        is_over = np.asarray(worse.any(0) | ~is_awaited)
        over = np.asarray(is_over.any(-1))
        first = np.where(over, is_over.argmax(-1), part.stop - 1)
        here = [each.at(first) for each in (canary, stable)]
        last = [each.put(going, some) for each, some in zip(last, here, strict=True)] if last else here
        at_end = worse[:, np.arange(len(going)), first][:, over]
        steps[going[over]] = np.where(at_end.any(0), step, PASSED)
        measures[going[over]] = np.where(at_end.any(0), at_end.argmax(0), -1)
        ends[going] = first
        going, counted, begin = going[~over], [each.of(~over) for each in counted], part.stop
        if not len(going):
            break
    return Ends(steps, measures, ends, last[0], last[1])


def _judged(
    canary: Counts, stable: Counts, times: Numbers, step: int, plan: Plan, settings: Settings
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return whether each measure rolls back (measures x runs x looks), and whether something is awaited."""
    is_alone = plan.is_alone(step)
    compared = dict(_compared(canary, stable, settings.coarser() if is_alone else settings, is_alone))
    looks_with_requests = (np.diff(canary.requests, prepend=0) > 0).cumsum(-1)
    is_enough = (canary.requests >= settings.minimum_requests) & (looks_with_requests >= FEWEST_LOOKS)
    strength = settings.strength_for_worse(len(MEASURES) * len(plan.percents))
    never = np.zeros_like(is_enough)
    worse = np.stack([compared[each].worse >= strength if each in compared else never for each in MEASURES]) & is_enough
    is_awaited = ~is_enough | (times < plan.hold)
    for measure, odds in compared.items():
        waits_on = plan.is_last_comparison(step) and measure != TRUTH
        is_patient = waits_on | (times < settings.patience * plan.hold)
        is_open = (odds.margin > -settings.strength_for_equal) & (odds.margin != 0)
        is_awaited |= is_patient & is_open & (not is_alone)
    return worse, is_awaited


def _compared(canary: Counts, stable: Counts, settings: Settings, is_alone: bool) -> Iterator[tuple[str, Odds]]:
    requests = canary.requests, stable.requests
    for measure, margin in (("errors", settings.errors), ("refusals", settings.refusals)):
        counts = vars(canary)[measure], vars(stable)[measure]
        yield measure, comparisons.shares(counts[0], requests[0], counts[1], requests[1], 2 * margin)
    typical, long = comparisons.latencies(BOUNDS, canary.latencies, stable.latencies, settings.slower**2)
    yield TYPICAL, typical[1]
    yield LONG, long[1]
    if not is_alone:
        together = np.ones_like(canary.requests)
        yield "predictions", comparisons.predictions(canary.labels, stable.labels, 2 * settings.psi, together)[1]
        yield TRUTH, _truth(canary, stable, settings)


def _truth(canary: Counts, stable: Counts, settings: Settings) -> Odds:
    more = 2 * settings.wrong
    if stable.paired.any():
        return comparisons.paired_answers(stable.only_shadow_wrong, stable.only_this_wrong, stable.paired, more)
    return comparisons.shares(canary.wrong, canary.known, stable.wrong, stable.known, more)
