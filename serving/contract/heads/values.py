"""Values: several numbers of one output, each with a name and a unit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from serving.contract import states
from serving.contract.arrays import Array, TensorSpec
from serving.contract.heads.head import ColumnType
from serving.contract.heads.words import check_names, closed, measure_name, shortest
from serving.contract.reference import Measures


@dataclass(frozen=True)
class Values:
    """A number for each of *names*, each in its own of *units*."""

    names: tuple[str, ...]
    units: tuple[str, ...]
    kind: ClassVar[str] = "values"
    columns: ClassVar[Mapping[str, ColumnType]] = {"values": "scores"}

    def __post_init__(self) -> None:
        check_names(self.names)
        if len(self.units) != len(self.names):
            raise states.Misfit("units", f"expected {len(self.names)}, one for each name, got {len(self.units)}")

    @property
    def output(self) -> TensorSpec:
        """A number for each name."""
        return TensorSpec("float32", (None, len(self.names)))

    @property
    def facts(self) -> Mapping[str, Any]:
        """The units, by name."""
        return {"units": dict(zip(self.names, self.units, strict=True))}

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON schema of one answer; it says the units."""
        units = zip(self.names, self.units, strict=True)
        numbers = {name: {"type": "number"} | ({"description": f"in {unit}"} if unit else {}) for name, unit in units}
        return closed({"values": closed(numbers) | {"maxProperties": len(self.names)}})

    def answers(self, values: Array) -> list[dict[str, Any]]:
        """Make `{"values": {name: number}}` for each row of `values: float32[batch, names]`."""
        return [{"values": dict(zip(self.names, shortest(row), strict=True))} for row in values]

    def differing(self, values: Array, expected: Array) -> Sequence[int]:
        """Return nothing: a value is what it is."""
        return ()

    def measures(self, prefix: str) -> tuple[str, ...]:
        """Return the values' names."""
        return tuple(measure_name(prefix, name) for name in self.names)

    def categories(self, prefix: str) -> Mapping[str, Sequence[str]]:
        """Return nothing."""
        return {}

    def measured(self, prefix: str, values: Array) -> Measures:
        """Measure the values."""
        return Measures(values.astype(np.float64), {})

    def to_state(self) -> dict[str, Any]:
        """Return the state as JSON values."""
        return {"names": list(self.names), "units": list(self.units)}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> "Values":
        """Read what `to_state` returned; raises ValueError, KeyError or TypeError if it is another."""
        return cls(states.texts(state, "names"), states.texts(state, "units"))
