"""Slices of the test rows, such as those of one category or with long texts: where the model is worse."""

import dataclasses
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from serving.statistics.intervals import Sums, share_interval
from training.experiments.record import RunRecord
from training.insight.chance import bootstrap, holm, larger_by_lot
from training.insight.facets import Facet, frequent
from training.insight.rows import Looked
from training.problem_types import Problem

LEAST_ROWS = 20
"""Of smaller slices, and of those that leave out fewer rows, nothing can be said."""
MOST_SLICES = 200
MOST_NAMES = 10
"""So many of the most frequent names of a facet are slices."""
DRAWS = 4_999
"""Lots that are drawn for p-values: enough for the smallest to pass Holm's correction for all slices."""
BOOTSTRAPS = 200
LEVEL = 0.05
Measure = Callable[[np.ndarray], np.ndarray]
"""The metric of some rows, `int[rows]`, or of each of several draws of them, `int[draws, rows]`."""


@dataclass(frozen=True)
class Slice:
    """The *rows* with some *value* of a facet, their *metric* with its 95 % interval from *low* to *high*.

    *p* is how likely rows that are drawn by lot cost this much; *worse* is the verdict, corrected for all slices.
    """

    title: str
    value: str
    rows: int
    metric: float
    low: float
    high: float
    p: float
    worse: bool = False


@dataclass(frozen=True)
class Slices:
    """The *slices* of so many *rows* that were looked at, and the metric of these all together, *whole*."""

    rows: int
    whole: float
    slices: Sequence[Slice]


def slices(record: RunRecord, looked: Looked) -> Slices:
    """Return the slices of the test rows of *record*, those with the smallest p-value first."""
    targets, scores = record.test_targets[looked.rows], record.test_scores[looked.rows]
    costs = record.problem.costs(record.test_targets, record.test_scores)[looked.rows]
    measure = _measure(record.problem, targets, scores, costs)
    whole = float(measure(np.arange(len(costs))))
    groups = [group for facet in looked.facets for group in _groups(facet)][:MOST_SLICES]
    if not groups:
        return Slices(len(costs), whole, ())
    p = larger_by_lot(costs, np.array([members for _, _, members in groups]), DRAWS)
    found = [
        _slice(title, value, np.flatnonzero(members), measure, float(chance), record.metric)
        for (title, value, members), chance in zip(groups, p, strict=True)
    ]
    verdicts = holm(p.tolist(), LEVEL)
    judged = [dataclasses.replace(each, worse=bool(it)) for each, it in zip(found, verdicts, strict=True)]
    return Slices(len(costs), whole, sorted(judged, key=lambda each: each.p))


def _slice(title: str, value: str, rows: np.ndarray, measure: Measure, p: float, metric: str) -> Slice:
    measured, count = float(measure(rows)), len(rows)
    if metric == "accuracy":
        hits = measured * count
        low, high = share_interval(Sums(count, count, hits, hits, hits, count))
    else:
        low, high = bootstrap(lambda drawn: measure(rows[drawn]), count, BOOTSTRAPS)
    return Slice(title, value, count, measured, low, high, p)


def _measure(problem: Problem, targets: np.ndarray, scores: np.ndarray, costs: np.ndarray) -> Measure:
    """Return what measures some rows by the problem's metric; R2 by the variance of all rows, not of these alone."""
    if problem.metric in ("accuracy", "r2"):
        return lambda rows: 1 - costs[rows].mean(axis=-1)
    if type(problem).measure is Problem.measure:
        return lambda rows: np.asarray(costs[rows].mean(axis=-1))
    return lambda rows: np.apply_along_axis(lambda one: problem.measure(targets[one], scores[one]), -1, rows)


def _groups(facet: Facet) -> Iterator[tuple[str, str, np.ndarray]]:
    """Yield title, value and members, `bool[n]`, of the slices of a facet that are neither too small nor too large."""
    of_values = _by_name(facet) if facet.numbers is None else _by_quartile(facet, facet.numbers)
    for value, members in [*of_values, ("missing", facet.missing)]:
        if LEAST_ROWS <= members.sum() <= len(members) - LEAST_ROWS:
            yield facet.title, value, members


def _by_name(facet: Facet) -> Iterator[tuple[str, np.ndarray]]:
    for name in frequent(facet.names, MOST_NAMES):
        yield name, np.array([name in each for each in facet.names])


def _by_quartile(facet: Facet, numbers: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    known = numbers[~np.isnan(numbers)]
    if not len(known):
        return
    values = np.unique(known)
    if len(values) <= 4:
        yield from ((_told(value, facet.is_date), numbers == value) for value in values)
        return
    cuts = np.unique(np.quantile(known, (0.25, 0.5, 0.75)))
    cuts = cuts[cuts > values[0]]
    place = np.where(np.isnan(numbers), -1, np.searchsorted(cuts, numbers, "right"))
    ends = [_told(cut, facet.is_date) for cut in cuts]
    between = [f"{low} to {high}" for low, high in itertools.pairwise(ends)]
    names = [f"below {ends[0]}", *between, f"{ends[-1]} and above"] if ends else []
    yield from ((name, place == number) for number, name in enumerate(names))


def _told(value: float, is_date: bool) -> str:
    return f"{datetime.fromtimestamp(value, UTC):%Y-%m-%d}" if is_date else f"{value:.4g}"
