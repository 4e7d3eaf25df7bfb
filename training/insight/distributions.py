"""How the values of a facet are distributed over the training rows and over the test rows, and whether these differ."""

import dataclasses
import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from training.insight.chance import holm, same_source
from training.insight.facets import Facet, frequent

BINS = 20
"""Number of bins of a histogram; what lies beyond its ends is counted in the outermost."""
MOST_NAMES = 10
"""So many of the most frequent names are counted by themselves, the others together."""
QUANTILES = 10
"""Numbers are compared by so many bins with equally many rows."""
DRAWS = 4_999
LEVEL = 0.05
"""Train and test differ if chance explains this less often, over all facets together."""


@dataclass(frozen=True)
class Distribution:
    """The *train* and *test* rows in each bin, as shares of those with a value.

    Bins are between *edges* or of *names*, of which the last may be all *others*. *quartiles* are of the training rows,
    with both ends. *p* is how likely chance makes the parts differ this much, None where this is not asked; *differs*
    is the verdict.
    """

    title: str
    missing: tuple[int, int]
    train: tuple[float, ...]
    test: tuple[float, ...]
    edges: tuple[float, ...] = ()
    names: tuple[str, ...] = ()
    others: int = 0
    quartiles: tuple[float, ...] = ()
    is_date: bool = False
    p: float | None = None
    differs: bool = False

    @property
    def is_constant(self) -> bool:
        """Whether all rows have the same value, and none lacks it."""
        return len(self.train) < 2 and not any(self.missing)


def distributions(train: Sequence[Facet], test: Sequence[Facet]) -> list[Distribution]:
    """Return the distribution of each facet of *train* beside that of the same facet of *test*."""
    beside = {each.title: each for each in test}
    found = [
        _of_names(one, beside.get(one.title)) if one.numbers is None else _of_numbers(one, beside.get(one.title))
        for one in train
    ]
    tested = [each for each in found if each.p is not None]
    verdicts = dict(zip(map(id, tested), holm([each.p or 0 for each in tested], LEVEL), strict=True))
    return [dataclasses.replace(each, differs=bool(verdicts.get(id(each)))) for each in found]


def _of_numbers(train: Facet, test: Facet | None) -> Distribution:
    one, other = _known(train), _known(test)
    both = np.concatenate([one, other])
    edges = _edges(both)
    cuts = np.unique(np.quantile(both, np.linspace(0, 1, QUANTILES + 1)[1:-1])) if len(both) else both
    counts = [np.bincount(np.searchsorted(cuts, part, "right"), minlength=len(cuts) + 1) for part in (one, other)]
    missing = _missing(train), _missing(test)
    train_shares, test_shares = (
        _shares(np.histogram(np.clip(part, edges[0], edges[-1]), edges)[0]) for part in (one, other)
    )
    return Distribution(
        title=train.title,
        missing=missing,
        train=train_shares,
        test=test_shares,
        edges=tuple(edges.tolist()),
        quartiles=tuple(np.quantile(one, (0, 0.25, 0.5, 0.75, 1)).tolist()) if len(one) else (),
        is_date=train.is_date,
        p=_p(np.append(counts[0], missing[0]), np.append(counts[1], missing[1])),
    )


def _of_names(train: Facet, test: Facet | None) -> Distribution:
    parts = train.names, test.names if test else ()
    names = frequent([*train.names, *parts[1]], MOST_NAMES)
    counts = [Counter(itertools.chain.from_iterable(part)) for part in parts]
    others = [part.total() - sum(part[name] for name in names) for part in counts]
    known = [sum(map(bool, part)) for part in parts]
    rows = [
        [part[name] for name in names] + ([rest] if any(others) else [])
        for part, rest in zip(counts, others, strict=True)
    ]
    missing = _missing(train), _missing(test)
    exclusive = all(len(each) <= 1 for part in parts for each in part)
    train_shares, test_shares = (
        tuple(count / max(total, 1) for count in part) for part, total in zip(rows, known, strict=True)
    )
    return Distribution(
        title=train.title,
        missing=missing,
        train=train_shares,
        test=test_shares,
        names=tuple(names),
        others=len(counts[0].keys() | counts[1].keys()) - len(names),
        p=_p(np.array([*rows[0], missing[0]]), np.array([*rows[1], missing[1]])) if exclusive else None,
    )


def _edges(both: np.ndarray) -> np.ndarray:
    """Return the edges of bins; without the last percent of outliers, which would squeeze all else into one bin."""
    values = np.unique(both)
    if len(values) <= BINS and len(values) > 1:
        middles = (values[1:] + values[:-1]) / 2
        return np.array([2 * values[0] - middles[0], *middles, 2 * values[-1] - middles[-1]])
    low, high = np.quantile(both, (0.005, 0.995)) if len(both) else (0.0, 1.0)
    return np.linspace(low, high, BINS + 1) if high > low else np.array([low - 0.5, low + 0.5])


def _p(one: np.ndarray, other: np.ndarray) -> float | None:
    return same_source(one, other, DRAWS) if one.sum() and other.sum() else None


def _known(facet: Facet | None) -> np.ndarray:
    numbers = None if facet is None else facet.numbers
    return np.empty(0) if numbers is None else numbers[~np.isnan(numbers)]


def _missing(facet: Facet | None) -> int:
    return 0 if facet is None else int(facet.missing.sum())


def _shares(counts: np.ndarray) -> tuple[float, ...]:
    return tuple((counts / max(counts.sum(), 1)).tolist())
