"""Interval: a value with the bounds between which the truth lies, from quantiles that the model learned."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from serving.contract import states
from serving.contract.arrays import Array, TensorSpec
from serving.contract.heads.head import ColumnType
from serving.contract.heads.words import closed, measure_name, shortest
from serving.contract.reference import Measures

_MEASURES = ("value", "width")


@dataclass(frozen=True)
class Interval:
    """A value in *unit* between a low and a high quantile; *coverage* is the share of test rows whose truth they held.

    The model gives the three in ascending order. Where quantiles cross, they are put in order: that makes none of them
    worse (Chernozhukov, Fernandez-Val and Galichon, 2010, Quantile and Probability Curves Without Crossing).
    """

    unit: str
    coverage: float
    kind: ClassVar[str] = "interval"
    output: ClassVar[TensorSpec] = TensorSpec("float32", (None, 3))
    columns: ClassVar[Mapping[str, ColumnType]] = {"value": "number", "low": "number", "high": "number", "unit": "text"}

    def __post_init__(self) -> None:
        if not 0 <= self.coverage <= 1:
            raise states.Misfit("coverage", f"expected a share from 0 to 1, got {self.coverage}")

    @property
    def facts(self) -> Mapping[str, Any]:
        """The unit, and the share of test rows that the intervals held."""
        return {"unit": self.unit, "coverage": self.coverage}

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON schema of one answer, with the coverage."""
        number = {"type": "number"}
        properties = {"value": number, "low": number, "high": number, "unit": {"type": "string", "const": self.unit}}
        return closed(properties) | {
            "description": f"low to high held the true value of {self.coverage:.1%} of the test rows"
        }

    def answers(self, values: Array) -> list[dict[str, Any]]:
        """Make `{"value", "low", "high", "unit"}` for each row of `values: float32[batch, 3]`: low, value, high."""
        rows = map(shortest, np.sort(values, axis=1))
        return [{"value": value, "low": low, "high": high, "unit": self.unit} for low, value, high in rows]

    def differing(self, values: Array, expected: Array) -> Sequence[int]:
        """Return nothing: a value is what it is."""
        return ()

    def measures(self, prefix: str) -> tuple[str, ...]:
        """Return the names of the value and of the interval's width."""
        return tuple(measure_name(prefix, name) for name in _MEASURES)

    def categories(self, prefix: str) -> Mapping[str, Sequence[str]]:
        """Return nothing."""
        return {}

    def measured(self, prefix: str, values: Array) -> Measures:
        """Measure the value, and how wide the interval is."""
        low, value, high = np.sort(values.astype(np.float64), axis=1).T
        return Measures(np.stack((value, high - low), axis=1), {})

    def to_state(self) -> dict[str, Any]:
        """Return the state as JSON values."""
        return {"unit": self.unit, "coverage": self.coverage}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> "Interval":
        """Read what `to_state` returned; raises ValueError, KeyError or TypeError if it is another."""
        return cls(states.text(state, "unit"), states.finite(state, "coverage"))
