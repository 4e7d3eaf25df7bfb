"""Equal instances: test rows that were also trained on are no test."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from training.data.datasets import Part
from training.data.instances import Lazy
from training.insight.rows import some

MOST_ROWS = 100_000
"""So many training rows are compared where they are in memory; of those on disk, only a sample."""


@dataclass(frozen=True)
class Twins:
    """Of *tested* test rows, *equal* are also among *trained* training rows, *otherwise* of them with other targets."""

    tested: int
    trained: int
    equal: int
    otherwise: int


def twins(train: Part, test: Part, head: str) -> Twins:
    """Count the test rows whose instance is among the training rows; targets are those of *head*."""
    rows, asked = _rows(train), _rows(test)
    known: dict[int, Any] = {}
    targets, wanted = train.targets_of(head), test.targets_of(head)
    for row, key in zip(rows.tolist(), _keys(train, rows), strict=True):
        known.setdefault(key, targets[row])
    found = [(known[key], wanted[row]) for row, key in zip(asked.tolist(), _keys(test, asked), strict=True)
             if key in known]  # fmt: skip
    return Twins(len(asked), len(rows), len(found), sum(not np.array_equal(one, other) for one, other in found))


def _rows(part: Part) -> np.ndarray:
    lazy: Sequence[Any] | Lazy[Any] = part.instances
    return some(part) if isinstance(lazy, Lazy) else np.arange(min(len(part), MOST_ROWS))


def _keys(part: Part, rows: np.ndarray) -> Iterator[int]:
    return map(_key, part.rows(rows).instances)


def _key(instance: Mapping[str, Any]) -> int:
    """Return a number that equal instances share; that two others share it is as good as impossible."""
    return hash(tuple((name, _hashable(instance[name])) for name in sorted(instance)))


def _hashable(value: Any) -> Any:
    if isinstance(value, float) and math.isnan(value):  # which is not equal to itself
        return None
    return value if isinstance(value, str | bytes | int | float | None) else repr(value)
