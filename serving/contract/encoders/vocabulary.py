"""The values that categories and tags know, and their ids: the missing, the unknown, then the known by frequency.

That is the order of Keras's StringLookup and IntegerLookup with a mask token and one bucket for what is unknown.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, get_args

import numpy as np

from serving.contract import states
from serving.contract.arrays import Array
from serving.contract.encoders.category_types import CategoryType, Value, type_of
from serving.contract.faults import Faults, shown

Meaning = Literal["error", "bucket"]
"""What a missing or unknown value is: a fault, or one of a bucket of its own."""

MOST_LISTED = 1_000
"""So many known values are listed in a schema."""
_MOST_NAMED = 32
"""So many of the most frequent values are counted each on its own, for drift."""
_MOST_ROWS = 2**63
_MOST_TOLD, _MOST_LETTERS = 10, 80


@dataclass(frozen=True)
class Vocabulary:
    """The known *values*, all of one type, and whether there are buckets for *missing* and for *unknown* ones.

    Raises ValueError for values of several types, values that repeat, and none at all.
    """

    values: tuple[Value, ...]
    missing: Meaning = "error"
    unknown: Meaning = "error"

    def __post_init__(self) -> None:
        for name, meaning in (("missing", self.missing), ("unknown", self.unknown)):
            if meaning not in get_args(Meaning):
                raise states.Misfit(name, f"expected error or bucket, got {meaning!r}")
        if not self.values:
            raise ValueError("expected at least one known value, got none")
        for place, value in enumerate(self.values):
            if problem := _problem(value, self.type):
                raise states.Misfit("values", f"{problem}, got {shown(value)}", place)
        if len(set(self.values)) < len(self.values):
            raise ValueError("expected known values that differ from each other, got one twice")

    @classmethod
    def fit(
        cls, counts: Counter[Value], *, least_count: int, missing: Meaning, unknown: Meaning | None
    ) -> "Vocabulary":
        """Know the values that come *least_count* times, the most frequent first, then in descending order.

        *unknown* is by default a bucket if any comes less often. Raises ValueError if one does and may not be unknown.
        """
        states.whole({"least_count": least_count}, "least_count", 1, _MOST_ROWS)
        rare = [value for value, count in counts.items() if count < least_count]
        if rare and unknown == "error":
            raise ValueError(
                f"{shown(rare[0])} comes {counts[rare[0]]} times, less than least_count, {least_count}: "
                "unknown must be 'bucket'"
            )
        if len(rare) == len(counts):
            raise ValueError(
                f"expected a value that comes {least_count} times, got {counts.total():,} values without one"
            )
        ranked = sorted(counts.keys() - rare, key=lambda value: (counts[value], value), reverse=True)
        return cls(tuple(ranked), missing, unknown or ("bucket" if rare else "error"))

    @cached_property
    def type(self) -> CategoryType:
        """The type of the known values."""
        return type_of(self.values[0])

    @property
    def width(self) -> int:
        """The number of ids: buckets and known values."""
        return self._first + len(self.values)

    @property
    def _first(self) -> int:
        return (self.missing == "bucket") + (self.unknown == "bucket")

    @property
    def _unknown_id(self) -> int:
        return self._first - 1

    @cached_property
    def _id_of(self) -> dict[Value, int]:
        return {value: number for number, value in enumerate(self.values, self._first)}

    def find(self, values: Sequence[Any]) -> list[int | None]:
        """Look *values* up; None for those that are not known, whatever they are."""
        own = self.type.python  # to a dictionary 1, True and 1.0 are the same key
        if set(map(type, values)) <= {own, type(None)}:  # nearly all columns
            return list(map(self._id_of.get, values))
        return [self._id_of.get(value) if type(value) is own else None for value in values]

    def other(self, row: int, value: Any, faults: Faults, *path: int) -> int:
        """Return the id of what `find` did not find, which is a fault unless there is a bucket for it."""
        if problem := self.type.problem(value):
            faults.add(row, problem, shown(value), *path)
        elif (number := self._id_of.get(self.type.python(value))) is not None:
            return number  # 1.0 is a whole number in JSON
        elif self.unknown == "error":
            faults.add(row, f"one of {self._told()}", shown(value), *path)
        else:
            return self._unknown_id
        return 0

    def _told(self) -> str:
        told = ", ".join(shown(value) for value in self.values[:_MOST_TOLD])
        more = len(self.values) - _MOST_TOLD
        return f"{told} and {more:,} more" if more > 0 else told

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON schema of one value: known values are its `enum`, or its `examples` if others are taken as well."""
        listed = list(self.values[:MOST_LISTED])
        if self.unknown == "bucket":
            return self.type.schema | {"examples": listed, "description": "any other value counts as unknown"}
        if len(self.values) <= MOST_LISTED:
            return {"type": self.type.name, "enum": listed}
        return self.type.schema | {"examples": listed, "description": f"one of {len(self.values):,} known values"}

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names under which values are counted for drift: the most frequent, "(other)" and "(missing)"."""
        names = [self.type.text(value)[:_MOST_LETTERS] for value in self.values[:_MOST_NAMED]]
        if self.unknown == "bucket" or len(self.values) > _MOST_NAMED:
            names.append("(other)")
        if self.missing == "bucket":
            names.append("(missing)")
        return tuple(_distinct(names))

    def count(self, ids: Array) -> Array:
        """Count `ids: int64[n]` by *names*: `float64[names]`."""
        return np.bincount(self._name_of[ids], minlength=len(self.names)).astype(np.float64)

    @cached_property
    def _name_of(self) -> Array:
        """The index of each id's name: `int64[width]`."""
        known = np.minimum(np.arange(len(self.values)), _MOST_NAMED)
        missing = [len(self.names) - 1] * (self.missing == "bucket")
        unknown = [min(len(self.values), _MOST_NAMED)] * (self.unknown == "bucket")
        return np.array([*missing, *unknown, *known.tolist()], np.int64)

    def to_state(self) -> dict[str, Any]:
        """Return the state as JSON values."""
        return {"values": list(self.values), "missing": self.missing, "unknown": self.unknown}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> "Vocabulary":
        """Read what `to_state` returned; raises ValueError, KeyError or TypeError."""
        meanings = (states.choice(state, name, get_args(Meaning)) for name in ("missing", "unknown"))
        return cls(tuple(states.listed(state, "values")), *meanings)


def _problem(value: Any, expected: CategoryType) -> str:
    if type(value) is not expected.python or expected.problem(value):
        return f"expected {expected.problem(value) or expected.words}"
    return "expected a text that UTF-8 can hold" if isinstance(value, str) and not _is_text(value) else ""


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:  # half a surrogate pair
        return False
    return True


def _distinct(names: Iterable[str]) -> Iterable[str]:
    taken: set[str] = set()
    for name in names:
        while name in taken:
            name += "_"
        taken.add(name)
        yield name
