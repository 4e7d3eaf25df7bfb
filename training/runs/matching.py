"""Finds the rows of one run again in another: by their instances, wherever they stand."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Matched:
    """Places of the same rows in two runs, and how many rows are only in one.

    *relabelled* instances are in both, with another target: they are in neither of the other counts.
    """

    first: np.ndarray
    second: np.ndarray
    only_first: int
    only_second: int
    relabelled: int

    def __len__(self) -> int:
        return len(self.first)


def match(first: Sequence[tuple[str, str]], second: Sequence[tuple[str, str]]) -> Matched:
    """Match rows by digest and target. Of equal rows, the first of one run is that of the other, and so on."""
    places: dict[tuple[str, str], list[int]] = defaultdict(list)
    for place in range(len(first) - 1, -1, -1):
        places[first[place]].append(place)
    pairs, left = [], []
    for place, key in enumerate(second):
        if places.get(key):
            pairs.append((places[key].pop(), place))
        else:
            left.append(key[0])
    alone = Counter({key[0]: 0 for key in places})
    for (digest, _), others in places.items():
        alone[digest] += len(others)
    relabelled = (alone & Counter(left)).total()
    both = np.array(pairs, np.int64).reshape(-1, 2)
    return Matched(both[:, 0], both[:, 1], alone.total() - relabelled, len(left) - relabelled, relabelled)
