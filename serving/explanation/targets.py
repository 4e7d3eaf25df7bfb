"""Which number of an answer is explained: a label's or tag's score, or a value."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from serving.contract import Answers
from serving.contract.answers import Outputs
from serving.contract.arrays import Array
from serving.contract.heads import Head, Labels, TagSet, Values
from serving.errors import InvalidExplanation, shown

_MOST_TOLD = 20


@dataclass(frozen=True)
class Target:
    """The number called *name* of a head, which is None if the model has one head alone; *unit* is of values."""

    head: str | None
    name: str
    unit: str | None
    _answers: Answers
    _head: str

    def scores(self, outputs: Outputs) -> Array:
        """Return the number of each row: `float64[n]`. Raises InvalidExplanation if an answer lacks it."""
        head = self._answers.heads[self._head]
        numbers = _numbers(head, outputs[self._answers.outputs[self._head]])
        if not all(self.name in row for row in numbers):
            raise InvalidExplanation(f"target: the answers of {self._head} don't all tell {shown(self.name)}")
        return np.array([row[self.name] for row in numbers], np.float64)


def target_of(answers: Answers, outputs: Outputs, head: str | None, name: str | None) -> Target:
    """Return the target called *name*; by default that of the answer to the first row of *outputs*.

    Raises InvalidExplanation for a head or name that there is not.
    """
    chosen = next(iter(answers.heads)) if head is None else head
    if chosen not in answers.heads:
        raise InvalidExplanation(f"head: expected {_listed([*answers.heads])}, got {shown(chosen)}")
    values = outputs[answers.outputs[chosen]][:1]
    (numbers,) = _numbers(answers.heads[chosen], values)
    names = [*numbers]
    found = _usual(answers.heads[chosen], values, numbers) if name is None else name
    if found not in numbers:
        raise InvalidExplanation(f"target: expected {_listed(names)}, got {'nothing' if name is None else shown(name)}")
    return Target(None if answers.only else chosen, found, _unit(answers.heads[chosen], found), answers, chosen)


def target_names(answers: Answers, outputs: Outputs, head: str) -> list[str]:
    """Return the names of the numbers of a head that may be explained; the first row of *outputs* tells others."""
    chosen = answers.heads[head]
    if isinstance(chosen, Labels | TagSet | Values):
        return [*chosen.names]
    return [*_numbers(chosen, outputs[answers.outputs[head]][:1])[0]]


def has_usual_target(head: Head) -> bool:
    """Return whether a target need not be named: of a vector's numbers, none stands for the answer."""
    return "numbers" not in head.columns.values()


def _numbers(head: Head, values: Array) -> list[dict[str, float]]:
    """Return the numbers of each row's answer by name: scores, several values, or the elements of a vector."""
    if isinstance(head, Labels):
        head = replace(head, top=len(head.names))
    rows, columns = head.answers(values), head.columns
    for kind, read in (("scores", dict), ("numbers", _by_index)):
        for column in (name for name, of in columns.items() if of == kind):
            return [read(row[column]) for row in rows]
    single = [name for name, of in columns.items() if of == "number"]
    return [{name: row[name] for name in single} for row in rows]


def _by_index(numbers: Sequence[float]) -> dict[str, float]:
    return {str(index): number for index, number in enumerate(numbers)}


def _usual(head: Head, values: Array, numbers: Mapping[str, float]) -> str | None:
    """Return the label that is answered, or the best tag; else the first number, but None of a vector's."""
    (answer,) = head.answers(values)
    kinds = {kind: name for name, kind in head.columns.items()}
    if "texts" in kinds:
        tags: Sequence[str] = answer[kinds["texts"]]
        return tags[0] if tags else max(numbers, key=lambda name: numbers[name], default=None)
    if "text" in kinds and answer[kinds["text"]] in numbers:
        label: str = answer[kinds["text"]]
        return label
    return next(iter(numbers), None) if has_usual_target(head) else None


def _unit(head: Head, name: str) -> str | None:
    facts: Mapping[str, Any] = head.facts
    unit: str | None = facts.get("unit") or facts.get("units", {}).get(name)
    return unit or None


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _MOST_TOLD
    told = ", ".join(map(repr, names[:_MOST_TOLD])) + (f" and {more:,} more" if more > 0 else "")
    return f"one of {told}" if len(names) > 1 else told or "a number in the answer"
