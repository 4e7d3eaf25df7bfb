"""What every head is: rows of one output of the model -> answers, and all that others need to know of them."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, Protocol

from serving.contract.arrays import Array, TensorSpec
from serving.contract.reference import Measures

ColumnType = Literal["text", "number", "numbers", "texts", "scores"]
"""What a column of a file holds: a text, a number, lists of either, or a number for each of some names."""


class Head(Protocol):
    """Immutable, with a JSON state."""

    kind: ClassVar[str]

    @property
    def output(self) -> TensorSpec:
        """The type and shape of the output that it reads; the first axis is the batch."""
        ...

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON schema of one answer: an object whose properties are those of *columns*."""
        ...

    @property
    def facts(self) -> Mapping[str, Any]:
        """What people first want to know of the answers, as JSON values: the labels, say, or the unit."""
        ...

    @property
    def columns(self) -> Mapping[str, ColumnType]:
        """What an answer holds, by name, in the order in which a file has it."""
        ...

    def answers(self, values: Array) -> list[dict[str, Any]]:
        """Make an answer of each row of the output, all of whose values are finite."""
        ...

    def differing(self, values: Array, expected: Array) -> Sequence[int]:
        """Return the rows whose answers are another, whatever the numbers: another label, say."""
        ...

    def measures(self, prefix: str) -> tuple[str, ...]:
        """Return the names of the numbers that are measured of each answer, for drift.

        *prefix* is empty for the only head, else its name.
        """
        ...

    def categories(self, prefix: str) -> Mapping[str, Sequence[str]]:
        """Return the names of the categories that are counted, by the name of the count, for drift."""
        ...

    def measured(self, prefix: str, values: Array) -> Measures:
        """Measure the answers that `answers` would make."""
        ...

    def to_state(self) -> dict[str, Any]:
        """Return the state as JSON values."""
        ...

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> "Head":
        """Read what `to_state` returned; raises ValueError, KeyError or TypeError if it is another."""
        ...
