"""Compares the answers of two versions, one pair after the other, in memory that does not grow with their number."""

import heapq
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any

from serving.contract import Contract
from serving.contract.differences import Difference, difference, differences, named
from serving.contract.heads.head import Head
from serving.replay.answering import Answer
from serving.replay.instances import Asked
from serving.replay.slices import Slices
from serving.replay.statistics import Sample, Tally
from serving.replay.truth import Truth

ROWS = 10
"""So many of the instances that are answered most differently are kept."""
_NONE = "(none)"


@dataclass(frozen=True)
class Pair:
    """What two versions answer to one instance."""

    asked: Asked
    first: dict[str, Any]
    second: dict[str, Any]
    found: Difference


class HeadComparison:
    """One head's agreement, and how labels or numbers go over into others.

    *transitions* have the weights of labels from one to another, of tags those that are lost and those that are won.
    *shifts* have by number the second version's value less the first's.
    """

    def __init__(self, head: Head) -> None:
        self._head = head
        self.agreement, self.distance = Tally(), Sample()
        self.transitions: Counter[tuple[str, str]] = Counter()
        self.shifts: dict[str, tuple[Tally, Sample]] = {}

    def add(self, first: Mapping[str, Any], second: Any, found: Difference, weight: float) -> None:
        """Take a pair of answers."""
        self.agreement.add(float(not found.differ), weight)
        self.distance.add(found.distance, weight)
        if not isinstance(second, Mapping) or first.keys() != second.keys():
            return
        for name in named(self._head):
            for step in _steps(first[name], second[name]):
                self.transitions[step] += weight  # type: ignore[assignment]  # weights are no whole numbers
        for name, one, other in self._numbers(first, second):
            tally, sample = self.shifts.setdefault(name, (Tally(), Sample()))
            tally.add(other - one, weight)
            sample.add(other - one, weight)

    def _numbers(self, first: Mapping[str, Any], second: Mapping[str, Any]) -> Iterator[tuple[str, float, float]]:
        if named(self._head):
            return
        for name, kind in self._head.columns.items():
            if kind == "number":
                yield name, first[name], second[name]
            elif kind == "scores":
                yield from (
                    (key, value, second[name][key]) for key, value in first[name].items() if key in second[name]
                )


class Comparison:
    """Takes pairs of answers to what was asked, of versions *first* and *second* with contracts of the same model."""

    def __init__(self, first: int, second: int, contract: Contract) -> None:
        self.versions = first, second
        self._contract = contract
        self.agreement, self.distance = Tally(), Sample()
        self.heads = {name: HeadComparison(head) for name, head in contract.answers.heads.items()}
        self.rejected: Counter[str] = Counter()
        self.problems: list[str] = []
        self.reproduced = {first: Tally(), second: Tally()}
        self.slices = Slices(contract)
        self.truth = Truth()
        self._largest: list[tuple[float, int, Pair]] = []
        self._order = count()

    def add(self, asked: Asked, first: Answer, second: Answer) -> Pair | None:
        """Take two answers to what was asked. Return them as a pair; None if one is an objection."""
        if isinstance(first, str) or isinstance(second, str):
            self._reject(asked, first, second)
            return None
        weight = 1 / asked.capture.share
        pair = Pair(asked, first, second, difference(self._contract, first, second))
        self.agreement.add(float(not pair.found.differ), weight)
        self.distance.add(pair.found.distance, weight)
        for name, part in differences(self._contract, first, second):
            one, other = (first, second) if self._contract.answers.only else (first[name], second.get(name))
            self.heads[name].add(one, other, part, weight)
        self.slices.add(asked.capture.instance, not pair.found.differ, weight)
        self._recorded(asked, {self.versions[0]: first, self.versions[1]: second}, weight)
        if asked.truth is not None:
            self.truth.add(first, second, asked.truth, weight)
        self._keep(pair)
        return pair

    @property
    def largest(self) -> list[Pair]:
        """The pairs that differ most, of those that differ."""
        return [pair for _, _, pair in sorted(self._largest, key=lambda it: (-it[0], -it[1]))]

    def _reject(self, asked: Asked, first: Answer, second: Answer) -> None:
        by = [str(number) for number, it in zip(self.versions, (first, second), strict=True) if isinstance(it, str)]
        self.rejected[" and ".join(by)] += 1
        if len(self.problems) < ROWS:
            why = first if isinstance(first, str) else second
            self.problems.append(f"{asked.where}: version {' and '.join(by)}: {why}")

    def _recorded(self, asked: Asked, answers: Mapping[int, dict[str, Any]], weight: float) -> None:
        """Compare what was answered then with what the same version answers now."""
        version, recorded = asked.capture.version, asked.capture.answer
        if version is not None and version in answers and isinstance(recorded, Mapping):
            found = difference(self._contract, answers[version], recorded)
            self.reproduced[version].add(float(not found.differ), weight)

    def _keep(self, pair: Pair) -> None:
        if pair.found.differ:
            item = (pair.found.distance, -next(self._order), pair)
            (heapq.heappush if len(self._largest) < ROWS else heapq.heappushpop)(self._largest, item)


def _steps(first: Any, second: Any) -> list[tuple[str, str]]:
    if not isinstance(first, list):
        return [(first, second)]
    lost, won = set(first) - set(second), set(second) - set(first)
    return [(name, _NONE) for name in sorted(lost)] + [(_NONE, name) for name in sorted(won)]
