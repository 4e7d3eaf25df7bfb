"""Value: a number in the data's own unit; a share is one from 0 to 1."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from serving.contract import states
from serving.contract.arrays import Array, TensorSpec
from serving.contract.heads.head import ColumnType
from serving.contract.heads.words import closed, measure_name, shortest
from serving.contract.reference import Measures


@dataclass(frozen=True)
class Value:
    """A number in *unit*; what the model gives outside *low* to *high* counts as these.

    A share is `Value("", low=0.0, high=1.0)`.
    """

    unit: str
    low: float | None = None
    high: float | None = None
    kind: ClassVar[str] = "value"
    output: ClassVar[TensorSpec] = TensorSpec("float32", (None, 1))
    columns: ClassVar[Mapping[str, ColumnType]] = {"value": "number", "unit": "text"}

    def __post_init__(self) -> None:
        if self.low is not None and self.high is not None and not self.low < self.high:
            raise states.Misfit("low", f"expected less than high, {self.high:g}, got {self.low:g}")

    @property
    def facts(self) -> Mapping[str, Any]:
        """The unit."""
        return {"unit": self.unit}

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON schema of one answer."""
        bounds = {"minimum": self.low, "maximum": self.high}
        value = {"type": "number"} | {name: bound for name, bound in bounds.items() if bound is not None}
        return closed({"value": value, "unit": {"type": "string", "const": self.unit}})

    def answers(self, values: Array) -> list[dict[str, Any]]:
        """Make `{"value", "unit"}` for each row of `values: float32[batch, 1]`."""
        return [{"value": value, "unit": self.unit} for value in self._bounded(values)]

    def differing(self, values: Array, expected: Array) -> Sequence[int]:
        """Return nothing: a value is what it is."""
        return ()

    def measures(self, prefix: str) -> tuple[str, ...]:
        """Return the name of the value."""
        return (measure_name(prefix, "value"),)

    def categories(self, prefix: str) -> Mapping[str, Sequence[str]]:
        """Return nothing."""
        return {}

    def measured(self, prefix: str, values: Array) -> Measures:
        """Measure the values."""
        bounded = values.astype(np.float64)
        bounded = bounded if self.low is None else np.maximum(bounded, self.low)
        return Measures(bounded if self.high is None else np.minimum(bounded, self.high), {})

    def to_state(self) -> dict[str, Any]:
        """Return the state as JSON values."""
        return {"unit": self.unit, "low": self.low, "high": self.high}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> "Value":
        """Read what `to_state` returned; raises ValueError, KeyError or TypeError if it is another."""
        bounds = (states.finite_or_none(state, name) for name in ("low", "high"))
        return cls(states.text(state, "unit"), *bounds)

    def _bounded(self, values: Array) -> list[float]:
        numbers = shortest(values[:, 0])
        if self.low is not None:
            numbers = [max(number, self.low) for number in numbers]
        return numbers if self.high is None else [min(number, self.high) for number in numbers]
