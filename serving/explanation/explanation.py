"""An explanation as one value, and its JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from serving.contract.encoders.framing import Size
from serving.explanation.targets import Target

_ROUNDING = 1e-9


@dataclass(frozen=True)
class Explained:
    """A part of the instance: its *field*, its *place* there as JSON values, and what it contributed to the score.

    *error* is the standard error of that, None if it is not known.
    """

    field: str
    place: Mapping[str, Any]
    contribution: float
    error: float | None


@dataclass(frozen=True)
class Explanation:
    """Why the model gave this *answer*: what each part contributed to the *score* of the target, beyond the *base*.

    The base is the score without any of the parts. *exact* is what no permutation had to be drawn for, *complete* what
    neither time nor budget cut short. *stability* is the rank correlation of the contributions from two halves of the
    permutations. *evaluations* is how many instances were answered. *pictures* has the size of each, upright, by field.
    """

    answer: Mapping[str, Any]
    method: str
    target: Target
    score: float
    base: float
    parts: Sequence[Explained]
    pictures: Sequence[tuple[str, Size]]
    evaluations: int
    exact: bool
    complete: bool
    stability: float | None

    @property
    def sum(self) -> float:
        """What base and contributions add up to."""
        return self.base + sum(part.contribution for part in self.parts)

    @property
    def gap(self) -> float:
        """How much of the score that leaves: nothing by Shapley values."""
        gap = self.score - self.sum
        return 0.0 if abs(gap) <= _ROUNDING * max(abs(self.score), abs(self.base)) else gap

    def strongest(self, count: int) -> list[Explained]:
        """Return the parts that contributed most, for or against the score, the strongest first."""
        telling = [part for part in self.parts if part.contribution]
        return sorted(telling, key=lambda part: -abs(part.contribution))[:count]

    def to_json(self) -> dict[str, Any]:
        """Return the JSON values, without the answer; parts stand in the order of reading."""
        return {
            "method": self.method,
            "head": self.target.head,
            "target": self.target.name,
            "unit": self.target.unit,
            **{name: _short(getattr(self, name)) for name in ("score", "base", "sum", "gap")},
            "evaluations": self.evaluations,
            "complete": self.complete,
            "exact": self.exact,
            "stability": None if self.stability is None else round(self.stability, 4),
            "parts": [
                {
                    "field": part.field,
                    **part.place,
                    "contribution": _short(part.contribution),
                    "error": None if part.error is None else _short(part.error),
                }
                for part in self.parts
            ],
            "pictures": [
                {"field": field, "width": width, "height": height} for field, (width, height) in self.pictures
            ],
        }


def _short(number: float) -> float:
    return float(f"{number:.9g}")
