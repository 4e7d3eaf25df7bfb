"""Named numbers -> standardised features: minus the mean, by the standard deviation, of the training rows."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from serving.contract.arrays import Array, Features, TensorSpec
from serving.contract.instance_limits import InstanceLimits
from serving.contract.reference import Measures
from serving.errors import Described, InvalidField, InvalidFields

Missing = Literal["error", "mean"]
_FLOAT = {float}
_LARGEST = 1e30  # float32 ends at 3e38
_SMALLEST = 1e-30


@dataclass(frozen=True)
class TabularScaler:
    """Turns `{"ZN": 18.0, ...}` into `features: float32[batch, len(names)]`, in the order of *names*.

    *missing* says what an absent or null field means: "error", or "mean" for the training rows' mean.
    """

    names: tuple[str, ...]
    means: tuple[float, ...]
    deviations: tuple[float, ...]
    missing: Missing = "error"
    kind: ClassVar[str] = "tabular"

    @classmethod
    def fit(cls, rows: Array, names: Sequence[str], *, missing: Missing = "error") -> "TabularScaler":
        """Take mean and deviation of the columns of *rows* (shape [n, len(names)]), leaving NaN out.

        Raises InvalidField for a column that holds anything but numbers.
        """
        _check_numbers(rows, names)
        means = np.asarray(np.nanmean(rows, axis=0, dtype=np.float64))
        deviations = np.asarray(np.nanstd(rows, axis=0, dtype=np.float64))
        deviations[deviations < _SMALLEST] = 1.0  # a constant column becomes zeros, not NaN
        return cls(tuple(names), tuple(means.tolist()), tuple(deviations.tolist()), missing)

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of an instance's fields."""
        return self.names

    @property
    def measures(self) -> tuple[str, ...]:
        """What `measured` measures: each field."""
        return self.names

    @property
    def categories(self) -> dict[str, tuple[str, ...]]:
        """None are measured."""
        return {}

    @property
    def inputs(self) -> dict[str, TensorSpec]:
        """The features' names, types and shapes."""
        return {"features": TensorSpec("float32", (None, len(self.names)))}

    @property
    def instance_schema(self) -> dict[str, Any]:
        """The JSON schema of one instance."""
        number = {"type": "number", "minimum": -_LARGEST, "maximum": _LARGEST}
        optional = {**number, "type": ["number", "null"]}
        return {
            "type": "object",
            "properties": dict.fromkeys(self.names, number if self.missing == "error" else optional),
            "required": list(self.names) if self.missing == "error" else [],
            "additionalProperties": False,
        }

    def limited(self, limits: InstanceLimits) -> "TabularScaler":
        """Return itself: a row of numbers has one size."""
        return self

    def decode(self, instance: Mapping[str, Any]) -> list[float]:
        """Read the numbers of one instance in the order of *names*; raises InvalidFields."""
        values: list[Any] = [instance.get(name) for name in self.names]
        if set(map(type, values)) == _FLOAT and sum(map(abs, values)) <= _LARGEST:  # nearly all; NaN fails as well
            return values
        try:
            return [self._number(name, value) for name, value in zip(self.names, values, strict=True)]
        except InvalidField:
            problems = [problem for name in self.names for problem in self._problems(name, instance.get(name))]
            raise InvalidFields(problems, len(problems)) from None

    def transform(self, decoded: Sequence[Sequence[float]] | Array) -> Features:
        """Make `features: float32[len(decoded), len(names)]`."""
        return self._scaled(self._rows(decoded))

    def measured(self, decoded: Sequence[Sequence[float]] | Array) -> tuple[Features, Measures]:
        """Make the features, and measure the fields in their own units."""
        rows = self._rows(decoded)
        return self._scaled(rows), Measures(rows, {})

    def _rows(self, decoded: Sequence[Sequence[float]] | Array) -> Array:
        return np.asarray(decoded, np.float64).reshape(-1, len(self.names))

    def _scaled(self, rows: Array) -> Features:
        scaled = (rows - self.means) / self.deviations
        scaled = np.nan_to_num(scaled, nan=0.0)  # NaN: missing, so the mean
        return {"features": np.clip(scaled, -_LARGEST, _LARGEST).astype(np.float32)}

    def to_state(self) -> dict[str, Any]:
        """Return the fitted state as JSON values."""
        return {
            "names": list(self.names),
            "means": list(self.means),
            "deviations": list(self.deviations),
            "missing": self.missing,
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> "TabularScaler":
        """Read what `to_state` returned."""
        return cls(tuple(state["names"]), tuple(state["means"]), tuple(state["deviations"]), state["missing"])

    def _problems(self, name: str, value: object) -> Sequence[InvalidField]:
        try:
            self._number(name, value)
        except InvalidField as problem:
            return problem.problems
        return ()

    def _number(self, name: str, value: object) -> float:
        if value is None:
            if self.missing == "mean":
                return math.nan
            raise InvalidField(name, "a number", Described("nothing"))
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise InvalidField(name, "a number", value)
        if not abs(value) <= _LARGEST:  # written so that NaN fails too
            raise InvalidField(name, f"a finite number of at most {_LARGEST:g} in size", value)
        return float(value)


def _check_numbers(rows: Array, names: Sequence[str]) -> None:
    if rows.dtype.kind in "fiub":
        return
    cells = [(name, value) for name, column in zip(names, rows.T, strict=True) for value in column.tolist()]
    # One text in a table makes NumPy turn every number into a text, so the first that is no number is to blame.
    for name, value in sorted(cells, key=lambda cell: _reads_as_number(cell[1])):
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise InvalidField(name, "a column of numbers only", value)


def _reads_as_number(value: object) -> bool:
    try:
        float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return False
    return True
