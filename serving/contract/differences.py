"""How far the answers of two versions to the same instance are apart.

The answers alone are compared, not the models' outputs, since these are all that a capture has.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from serving.contract.contract import Contract
from serving.contract.heads.head import Head

MATERIAL = 0.1
"""From what distance on values count as different: a tenth of the larger one."""

_APART = 1.0
"""The distance of what only one of the answers has."""


@dataclass(frozen=True)
class Difference:
    """Whether two answers *differ*, and their *distance*.

    Of labels and tags, that is whether these are others, and the largest difference of a score, 0 to 1. Of numbers,
    that is whether they are MATERIAL apart, and the distance as a share of the larger one, 0 to 2. Of several heads,
    the largest counts.
    """

    differ: bool
    distance: float


def difference(contract: Contract, answer: Mapping[str, Any], other: Mapping[str, Any]) -> Difference:
    """Return the difference between *other* and *answer*, the one that the version with *contract* gave."""
    parts = [part for _, part in differences(contract, answer, other)]
    return Difference(any(part.differ for part in parts), max(part.distance for part in parts))


def differences(
    contract: Contract, answer: Mapping[str, Any], other: Mapping[str, Any]
) -> Iterator[tuple[str, Difference]]:
    """Yield the same for each head, by name."""
    for name, head in contract.answers.heads.items():
        one, its = (answer, other) if contract.answers.only else (answer[name], other.get(name))
        yield name, _head(head, one, its, contract.tolerance)


def named(head: Head) -> tuple[str, ...]:
    """Return the columns of an answer that hold names, labels or tags, which say what the answer is."""
    schemas = head.schema["properties"]
    return tuple(
        name
        for name, kind in head.columns.items()
        if kind == "texts" or (kind == "text" and "const" not in schemas[name])  # a constant is the unit
    )


def _head(head: Head, one: Mapping[str, Any], other: Any, tolerance: float) -> Difference:
    if not isinstance(other, Mapping) or one.keys() != other.keys():  # the versions have other heads
        return Difference(True, _APART)
    if names := named(head):
        differ = any(_as_set(one[name]) != _as_set(other[name]) for name in names)
        scores = [name for name, kind in head.columns.items() if kind == "scores"]
        distances = [_of_scores(one[name], other[name]) for name in scores] or [_APART if differ else 0.0]
        return Difference(differ, max(distances))
    distance = max((_relative(*pair, tolerance) for pair in _numbers(head, one, other)), default=0.0)
    return Difference(distance >= MATERIAL, distance)


def _as_set(names: Any) -> Any:
    return frozenset(names) if isinstance(names, list) else names


def _of_scores(one: Mapping[str, float], other: Mapping[str, float]) -> float:
    """Return the largest difference of a score. Where one leaves a name out, its score is at most its lowest one."""
    lowest, others_lowest = min(one.values(), default=0.0), min(other.values(), default=0.0)
    return max(
        *(abs(score - other[name]) if name in other else score - others_lowest for name, score in one.items()),
        *(score - lowest for name, score in other.items() if name not in one),
        0.0,
        0.0,
    )


def _numbers(
    head: Head, one: Mapping[str, Any], other: Mapping[str, Any]
) -> Iterator[tuple[Sequence[float], Sequence[float]]]:
    """Yield what has one unit and is compared as a whole: an interval, a vector, each of several named values."""
    single = [name for name, kind in head.columns.items() if kind == "number"]
    if single:
        yield [one[name] for name in single], [other[name] for name in single]
    for name, kind in head.columns.items():
        if kind == "numbers":
            yield one[name], other[name]
        elif kind == "scores":
            yield from (([value], [other[name].get(key, math.inf)]) for key, value in one[name].items())


def _relative(one: Sequence[float], other: Sequence[float], tolerance: float) -> float:
    """Return the Euclidean distance as a share of the larger length. What is within *tolerance* is the same."""
    if len(one) != len(other) or not all(map(math.isfinite, other)):
        return _APART
    distance = math.dist(one, other)
    return 0.0 if distance <= tolerance else distance / max(math.hypot(*one), math.hypot(*other))
