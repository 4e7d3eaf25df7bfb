"""The score of an instance with some of its parts, for each subset that is asked for: computed once, many in a call."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from serving.contract.arrays import Array
from serving.errors import ModelServerTimeout, NotFinite, NotFiniteWithout

_SPARE = 1.5
"""No call is begun unless there is time for one this much slower than the slowest before."""


class SubsetScores:
    """Computes scores of what *instance_of* makes of subsets with *score*, *rows* at a time, until a moment.

    *until* is on the clock of `time.perf_counter`. After it nothing is computed, and what is *known* stays.
    """

    def __init__(
        self,
        instance_of: Callable[[int], Mapping[str, Any]],
        score: Callable[[Sequence[Mapping[str, Any]]], Array],
        rows: int,
        until: float,
    ) -> None:
        self._instance_of = instance_of
        self._score = score
        self._rows = rows
        self._until = until
        self._slowest = 0.0
        self.known: dict[int, float] = {}

    def compute(self, subsets: Iterable[int]) -> bool:
        """Compute the scores of *subsets* in their order. Return whether there was time for all of them.

        Raises NotFiniteWithout, and what else *score* raises.
        """
        unknown = [subset for subset in dict.fromkeys(subsets) if subset not in self.known]
        starts = range(0, len(unknown), self._rows)
        return all(self._call(unknown[start : start + self._rows]) for start in starts)

    def knows(self, subsets: Iterable[int]) -> bool:
        """Return whether the scores of all *subsets* are known."""
        return all(subset in self.known for subset in subsets)

    def _call(self, subsets: Sequence[int]) -> bool:
        began = time.perf_counter()
        if began + _SPARE * self._slowest >= self._until:
            return False
        try:
            scores = self._score([self._instance_of(subset) for subset in subsets])
        except ModelServerTimeout:
            return False
        except NotFinite as error:
            raise NotFiniteWithout(error) from error
        self.known.update(zip(subsets, scores.tolist(), strict=True))
        self._slowest = max(self._slowest, time.perf_counter() - began)
        return True
