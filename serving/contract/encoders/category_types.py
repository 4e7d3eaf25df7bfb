"""The types that a category may have in JSON, each with what is wrong with a value of another."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from serving.contract.encoders.encoder import Datatype
from serving.contract.encoders.fitting import refuse
from serving.contract.faults import Faults, shown

Value = str | int | bool

MOST_CHARACTERS = 1_000
"""The longest text that is a category; a longer one is for the encoder of texts."""
_ANY = f"a string of at most {MOST_CHARACTERS:,} characters, a whole number of at most 64 bits, or true or false"
_LEAST, _GREATEST = -(2**63), 2**63 - 1
_CUT = -(2.0**63)
"""What JSON's readers make of whole numbers that are a little less than 64 bits can hold."""


@dataclass(frozen=True)
class CategoryType:
    """A type of values: its *name* in JSON schema, in *python*, in *words*, and the Open Inference *datatype*."""

    name: Literal["string", "integer", "boolean"]
    python: Callable[[Any], Value]
    words: str
    datatype: Datatype
    schema: dict[str, Any]

    def problem(self, value: Any) -> str:
        """Return what is expected instead of *value*, or nothing if it is of this type; 1.0 is a whole number."""
        if type(value) is float and self.python is int and value.is_integer() and value != _CUT:
            value = int(value)
        if type(value) is not self.python:
            return "a whole number of at most 64 bits" if value == _CUT and self.python is int else self.words
        if isinstance(value, str) and len(value) > MOST_CHARACTERS:
            return f"a string of at most {MOST_CHARACTERS:,} characters"
        if isinstance(value, int) and not _LEAST <= value <= _GREATEST:
            return "a whole number of at most 64 bits"
        return ""

    def text(self, value: Value) -> str:
        """Return *value* as a text, booleans as JSON has them."""
        return str(value).lower() if self.python is bool else str(value)


TYPES: tuple[CategoryType, ...] = (
    CategoryType("string", str, "a string", "BYTES", {"type": "string", "maxLength": MOST_CHARACTERS}),
    CategoryType(
        "integer", int, "a whole number", "INT64", {"type": "integer", "minimum": _LEAST, "maximum": _GREATEST}
    ),
    CategoryType("boolean", bool, "true or false", "BOOL", {"type": "boolean"}),
)


def type_of(value: Any) -> CategoryType:
    """Return the type of a value; raises ValueError for what is no category."""
    for known in TYPES:
        if not known.problem(value):
            return known
    raise ValueError(f"expected {_ANY}, got {shown(value)}")


def counts_of(places: Iterable[tuple[int, Sequence[int], Any]]) -> Counter[Value]:
    """Return how often each value comes in training, where they are given with row and path within the row.

    Raises ValueError for what is no category, and for a value of another type than the first.
    """
    faults, expected = Faults(), None
    counts: Counter[Value] = Counter()
    for row, path, value in places:
        expected = expected or next((known for known in TYPES if not known.problem(value)), None)
        if expected and not expected.problem(value):
            counts[expected.python(value)] += 1
        else:
            faults.add(row, f"{expected.problem(value)}, as the first is" if expected else _ANY, shown(value), *path)
    refuse(faults)
    return counts
