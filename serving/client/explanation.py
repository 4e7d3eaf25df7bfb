"""Why a model answered as it did, as the gateway tells it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from serving.client.answer import Answer


@dataclass(frozen=True)
class Part:
    """A part of the instance in *field*, and what it contributed to the score.

    *json* is the part as it came: with `text` between `start` and `end`, a `box`, or a `value` and its `reference`.
    *error* is the standard error of the contribution, None if it is not known.
    """

    field: str
    contribution: float
    error: float | None
    json: Mapping[str, Any]


@dataclass(frozen=True)
class Explanation:
    """What carried the *score* of *target* in an *answer*: *base* without any of *parts*, which stand in reading order.

    *json* is all of it as it came.
    """

    answer: Answer
    target: str
    score: float
    base: float
    parts: tuple[Part, ...]
    json: Mapping[str, Any]

    @property
    def complete(self) -> bool:
        """Whether there was time for all that was to be computed."""
        return bool(self.json.get("complete"))

    def strongest(self, count: int) -> list[Part]:
        """Return the parts that contributed most, for or against, the strongest first."""
        return sorted(self.parts, key=lambda part: -abs(part.contribution))[:count]
