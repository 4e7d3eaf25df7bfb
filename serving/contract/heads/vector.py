"""Vector: numbers as they come, such as an embedding."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from serving.contract import states
from serving.contract.arrays import Array, TensorSpec
from serving.contract.heads.head import ColumnType
from serving.contract.heads.words import closed, measure_name
from serving.contract.reference import Measures

_MOST = 1_000_000


@dataclass(frozen=True)
class Vector:
    """*size* numbers."""

    size: int
    kind: ClassVar[str] = "vector"
    columns: ClassVar[Mapping[str, ColumnType]] = {"vector": "numbers"}

    def __post_init__(self) -> None:
        if not 1 <= self.size <= _MOST:
            raise states.Misfit("size", f"expected 1 to {_MOST:,}, got {self.size:,}")

    @property
    def output(self) -> TensorSpec:
        """The numbers."""
        return TensorSpec("float32", (None, self.size))

    @property
    def facts(self) -> Mapping[str, Any]:
        """The number of numbers."""
        return {"size": self.size}

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON schema of one answer."""
        numbers = {"type": "array", "items": {"type": "number"}, "minItems": self.size, "maxItems": self.size}
        return closed({"vector": numbers})

    def answers(self, values: Array) -> list[dict[str, Any]]:
        """Make `{"vector": [...]}` for each row of `values: float32[batch, size]`, each number exactly as it is."""
        return [{"vector": row} for row in values.tolist()]

    def differing(self, values: Array, expected: Array) -> Sequence[int]:
        """Return nothing: numbers are what they are."""
        return ()

    def measures(self, prefix: str) -> tuple[str, ...]:
        """Return the name of the vector's length."""
        return (measure_name(prefix, "norm"),)

    def categories(self, prefix: str) -> Mapping[str, Sequence[str]]:
        """Return nothing."""
        return {}

    def measured(self, prefix: str, values: Array) -> Measures:
        """Measure the vectors' lengths."""
        return Measures(np.linalg.norm(values.astype(np.float64), axis=1, keepdims=True), {})

    def to_state(self) -> dict[str, Any]:
        """Return the state as JSON values."""
        return {"size": self.size}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> "Vector":
        """Read what `to_state` returned; raises ValueError, KeyError or TypeError if it is another."""
        return cls(states.whole(state, "size", 1, _MOST))
