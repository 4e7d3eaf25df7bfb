"""Canaries by the thousand, each raised step by step as the judge decides."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.canary.traffic import BOUNDS, Counts, Fault, Numbers, draw
from serving.canary import comparisons
from serving.canary.comparisons import Odds
from serving.canary.findings import LONG, MEASURES, TRUTH, TYPICAL
from serving.canary.judge import FEWEST_LOOKS
from serving.canary.settings import Plan, Settings

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

    steps: NDArray[np.int64]
    measures: NDArray[np.int64]
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
    going = np.arange(runs)
    for step, percent in enumerate(plan.percents):
        lengths, begins = np.diff(times, prepend=0), np.concatenate([[0], times[:-1]])
        whens = outcomes.seconds[going, None] + begins, lengths, phases[going]
        canary = draw(random, fault, rate * percent / 100, *whens).summed()
        if not plan.is_alone(step):
            stable = draw(random, fault.of_both(), rate * (1 - percent / 100), *whens).summed()
        steps, measures, last = decide(canary, stable, times, step, plan, settings)
        outcomes.steps[going], outcomes.measures[going] = steps, measures
        outcomes.seconds[going] += times[last]
        outcomes.requests[going] += canary.requests[np.arange(len(going)), last]
        passed = steps == PASSED
        stable, going = stable.at(last, len(times)).of(passed.nonzero()[0], len(times)), going[passed]
        if not len(going):
            break
    return outcomes


def looks(plan: Plan, settings: Settings) -> Numbers:
    """Return the times of looks since a step began."""
    patient, end = settings.patience * plan.hold, _LONGEST * plan.hold
    often, seldom = np.arange(_LOOK, patient + 1, _LOOK), np.arange(patient + _LATER_LOOK, end + 1, _LATER_LOOK)
    return np.concatenate([often, seldom])


Ends = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]
"""In which step a run was rolled back (or PASSED, UNDECIDED), by which measure, and at which look, by run."""


def decide(canary: Counts, stable: Counts, times: Numbers, step: int, plan: Plan, settings: Settings) -> Ends:
    """Return how a step ends, by run: `judge` for many runs at a time."""
    runs, last = len(canary.requests), len(times) - 1
    steps, measures, ends = np.full(runs, UNDECIDED), np.full(runs, -1), np.full(runs, last)
    going = np.arange(runs)
    for seconds in (plan.hold, settings.patience * plan.hold, times[-1]):  # most end early
        until = int(np.searchsorted(times, seconds)) + 1
        worse, is_awaited = _judged(
            canary.of(going, until), stable.of(going, until), times[:until], step, plan, settings
        )
        is_over = worse.any(0) | ~is_awaited
        first, over = is_over.argmax(-1), is_over.any(-1)
        at_end = worse[:, np.arange(len(going)), first][:, over]
        ended, going = going[over], going[~over]
        steps[ended] = np.where(at_end.any(0), step, PASSED)
        measures[ended], ends[ended] = np.where(at_end.any(0), at_end.argmax(0), -1), first[over]
    return steps, measures, ends


def _judged(
    canary: Counts, stable: Counts, times: Numbers, step: int, plan: Plan, settings: Settings
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return whether each measure rolls back (measures x runs x looks), and whether something is awaited."""
    is_alone = plan.is_alone(step)
    margins = settings.coarser() if is_alone else settings
    compared = dict(_compared(canary, stable, margins, is_alone))
    is_enough = (canary.requests >= settings.minimum_requests) & (
        (np.diff(canary.requests, prepend=0) > 0).cumsum(-1) >= FEWEST_LOOKS
    )
    strength = settings.strength_for_worse(len(MEASURES) * len(plan.percents))
    never = np.zeros_like(is_enough)
    worse = np.stack(
        [is_enough & (compared[each].worse >= strength) if each in compared else never for each in MEASURES]
    )
    is_awaited = ~is_enough | (times < plan.hold)
    for measure, odds in compared.items():
        is_patient = times < settings.patience * plan.hold
        if plan.is_last_comparison(step) and measure != TRUTH:
            is_patient = np.full(len(times), True)
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
        yield TRUTH, comparisons.shares(canary.wrong, canary.known, stable.wrong, stable.known, 2 * settings.wrong)
