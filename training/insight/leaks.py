"""Fields that alone tell the target nearly always: often they are not known yet when the model is asked.

`training.declarations.leaks` asks this of the columns of a table before a task is declared. Here it is asked of every
task, of facets such as the length of a text too, and answered on the test rows: by a rule that the training rows give.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from training.insight.facets import Facet

NEARLY = 0.98
"""A facet is suspect if its rule makes at most this much less of the naive answer's errors."""
BINS = 64
"""Numbers are split into so many bins with equally many training rows."""
_LEAST_ROWS = 30


@dataclass(frozen=True)
class Suspect:
    """A facet, and the share of the naive answer's errors on the test rows that it alone spares, from 0 to 1."""

    title: str
    spares: float


def suspects(train: Sequence[Facet], test: Sequence[Facet], targets: tuple[Facet, Facet]) -> list[Suspect]:
    """Return the facets that alone tell the target; *targets* are those of the training and of the test rows."""
    known, asked = targets
    beside = {each.title: each for each in test}
    rows = min(len(known.missing), len(asked.missing))
    pairs = [(one, beside[one.title]) for one in train if one.title in beside] if rows >= _LEAST_ROWS else []
    spared = _of_names if known.numbers is None else _of_numbers
    found = [Suspect(one.title, spared(one, other, known, asked)) for one, other in pairs]
    return [each for each in found if each.spares >= NEARLY]


def _of_names(train: Facet, test: Facet, known: Facet, asked: Facet) -> float:
    """Answer the most frequent class of each value. Tags are classes by their whole set."""
    seen, unseen = _keys(train, test)
    by_key: dict[object, Counter[tuple[str, ...]]] = defaultdict(Counter)
    for key, name in zip(seen, known.names, strict=True):
        by_key[key][name] += 1
    naive = Counter(known.names).most_common(1)[0][0]
    best = {key: counts.most_common(1)[0][0] for key, counts in by_key.items()}
    wrong = sum(best.get(key, naive) != name for key, name in zip(unseen, asked.names, strict=True))
    return _spared(wrong, sum(naive != name for name in asked.names))


def _of_numbers(train: Facet, test: Facet, known: Facet, asked: Facet) -> float:
    """Answer the mean of each value or bin, or by a straight line, whichever is better; errors are squared."""
    wanted = np.empty(0) if asked.numbers is None else asked.numbers
    learned = np.empty(0) if known.numbers is None else known.numbers
    seen, unseen = _keys(train, test)
    by_key: dict[object, list[float]] = defaultdict(list)
    for key, number in zip(seen, learned.tolist(), strict=True):
        by_key[key].append(number)
    naive = float(learned.mean())
    means = {key: sum(numbers) / len(numbers) for key, numbers in by_key.items()}
    answers = [np.array([means.get(key, naive) for key in unseen])]
    if train.numbers is not None and test.numbers is not None and len(by_key.keys() - {-1}) > 1:
        both = ~np.isnan(train.numbers)
        slope, start = np.polyfit(train.numbers[both], learned[both], 1)
        answers.append(np.nan_to_num(slope * test.numbers + start, nan=naive))
    errors = min(float(((answer - wanted) ** 2).sum()) for answer in answers)
    return _spared(errors, float(((naive - wanted) ** 2).sum()))


def _keys(train: Facet, test: Facet) -> tuple[list[object], list[object]]:
    """Return what the rows have in common by a facet: the bin of a number, or all names."""
    if train.numbers is None or test.numbers is None:
        return list(train.names), list(test.names)
    values = np.unique(train.numbers[~np.isnan(train.numbers)])
    few = len(values) <= BINS  # none at all, where every row lacks one
    cuts = (values[1:] + values[:-1]) / 2 if few else np.unique(np.quantile(values, np.linspace(0, 1, BINS + 1)))
    return _bins(train.numbers, cuts), _bins(test.numbers, cuts)


def _bins(numbers: np.ndarray, cuts: np.ndarray) -> list[object]:
    """Return the bin of each number, -1 where there is none."""
    return [-1 if np.isnan(each) else int(np.searchsorted(cuts, each, "right")) for each in numbers]


def _spared(errors: float, naive: float) -> float:
    return 1 - errors / naive if naive > 0 else 0.0
