"""How much the model needs each field: the metric's drop when the field's values are shuffled among the test rows.

This is permutation importance (Breiman 2001, "Random Forests"; Fisher, Rudin and Dominici 2019).
"""

import itertools
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from serving.contract.arrays import Array
from training.data.instances import Instance, Selected
from training.errors import TrainingError
from training.experiments.record import RunRecord

MOST_ROWS = 1_000
SHUFFLES = 5
BUDGET_SECONDS = 15.0
"""No further field is looked at after this time."""
Score = Callable[[Sequence[Instance]], Mapping[str, Array]]
"""From raw instances to the scores of each head."""


@dataclass(frozen=True)
class Need:
    """By how much the metric is worse without what *field* tells: *mean* and standard deviation over the shuffles."""

    field: str
    mean: float
    spread: float


@dataclass(frozen=True)
class Importance:
    """The *needs* by head ("" for the only one), the largest first, on so many *rows*.

    *unseen* are fields for which no time was left. *left_out* says why nothing was shuffled, if so.
    """

    rows: int = 0
    shuffles: int = SHUFFLES
    needs: Mapping[str, Sequence[Need]] = field(default_factory=dict)
    unseen: Sequence[str] = ()
    left_out: str = ""


def importance(records: Sequence[RunRecord], fields: Sequence[str], score: Score) -> Importance:
    """Shuffle each of *fields* by itself; *records* are those of the heads that *score* answers for."""
    if len(fields) < 2:
        return Importance(left_out="The model reads one field: if that is shuffled, it answers for other rows.")
    rows = len(records[0].test_targets)
    chosen = np.sort(np.random.default_rng(0).choice(rows, min(rows, MOST_ROWS), replace=False))
    instances = list(Selected(records[0].test_instances, chosen))
    whole = {each.head_name: each.test_scores[chosen] for each in records}
    seen: dict[str, list[dict[str, float]]] = {}
    ends = time.monotonic() + BUDGET_SECONDS
    try:
        for name in fields:
            if time.monotonic() > ends:
                break
            answered = _answered(records, score, _shuffled(instances, name))
            seen[name] = [_drops(records, chosen, whole, scores) for scores in answered]
    except TrainingError as error:
        return Importance(left_out=f"Shuffled values are refused: {error}")
    needs = {each.head_name: _needs(seen, each.head_name) for each in records}
    return Importance(len(chosen), SHUFFLES, needs, tuple(name for name in fields if name not in seen))


def _shuffled(instances: Sequence[Instance], name: str) -> Iterator[list[Instance]]:
    """Yield the instances with the values of one field in another order; for each field in the same orders."""
    rng = np.random.default_rng(0)
    for _ in range(SHUFFLES):
        others = [instances[place] for place in rng.permutation(len(instances)).tolist()]
        yield [
            {key: value for key, value in each.items() if key != name} | ({name: other[name]} if name in other else {})
            for each, other in zip(instances, others, strict=True)
        ]


def _answered(
    records: Sequence[RunRecord], score: Score, shuffles: Iterable[list[Instance]]
) -> Iterator[Mapping[str, Array]]:
    """Yield the scores of each shuffle, by the names in *records*, in which the only head has none.

    A call costs as much as hundreds of rows, so shuffles share one while there is room.
    """
    waiting = list(shuffles)
    rows = len(waiting[0])
    at_once = max(1, MOST_ROWS // rows)
    for first in range(0, len(waiting), at_once):
        instances = list(itertools.chain.from_iterable(waiting[first : first + at_once]))
        scores = score(instances)
        for start in range(0, len(instances), rows):
            yield {
                each.head_name: scores[each.head_name or next(iter(scores))][start : start + rows] for each in records
            }


def _drops(
    records: Sequence[RunRecord], chosen: np.ndarray, whole: Mapping[str, Array], scores: Mapping[str, Array]
) -> dict[str, float]:
    drops = {}
    for each in records:
        targets, sign = each.test_targets[chosen], 1 if each.problem.higher_is_better else -1
        before, after = (each.problem.measure(targets, of[each.head_name]) for of in (whole, scores))
        drops[each.head_name] = sign * (before - after)
    return drops


def _needs(seen: Mapping[str, Sequence[Mapping[str, float]]], head: str) -> list[Need]:
    drops = {name: np.array([each[head] for each in shuffles]) for name, shuffles in seen.items()}
    needs = [Need(name, float(each.mean()), float(each.std(ddof=1))) for name, each in drops.items()]
    return sorted(needs, key=lambda need: -need.mean)
