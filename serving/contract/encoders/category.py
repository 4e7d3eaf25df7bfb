"""Categories: a column of strings, whole numbers or booleans -> one-hot float32, or int32 ids."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, get_args

import numpy as np

from serving.contract import states
from serving.contract.arrays import Array, TensorSpec
from serving.contract.encoders.category_types import counts_of
from serving.contract.encoders.encoder import Control, Datatype
from serving.contract.encoders.fitting import PlainColumn, meaning_of_missing
from serving.contract.encoders.vocabulary import Meaning, Vocabulary
from serving.contract.faults import Faults
from serving.contract.instance_limits import InstanceLimits
from serving.contract.reference import Measures

Output = Literal["onehot", "id"]
_ID = TensorSpec("int32", (None, 1))
_MOST: dict[Output, int] = {"onehot": 10_000, "id": 1_000_000}


@dataclass(frozen=True)
class Category:
    """Turns values into `float32[batch, width]` with a 1 for each, or into their ids, `int32[batch, 1]`.

    Ids are counted in the order of the vocabulary: missing and unknown, where there are buckets for them, then values.
    """

    vocabulary: Vocabulary
    output: Output = "onehot"
    kind: ClassVar[str] = "category"
    value_shape: ClassVar[tuple[int, ...]] = ()

    def __post_init__(self) -> None:
        if self.output not in get_args(Output):
            raise states.Misfit("output", f"expected onehot or id, got {self.output!r}")
        if self.vocabulary.width > _MOST[self.output]:
            raise ValueError(
                f"expected at most {_MOST[self.output]:,} categories, got {self.vocabulary.width:,}: "
                "leave out rare ones with a larger least_count"
            )

    @classmethod
    def fit(
        cls,
        values: Iterable[Any],
        *,
        output: Output = "onehot",
        least_count: int = 1,
        missing: Meaning | None = None,
        unknown: Meaning | None = None,
    ) -> "Category":
        """Fit to *values*, None or NaN where one is missing.

        *missing* is by default a bucket if there are such, *unknown* if any comes less often than *least_count*.
        Raises ValueError for what is no category, a missing one if none may be, and if there is none at all.
        """
        plain = PlainColumn(values)
        meaning: Meaning = meaning_of_missing(missing, missing is None and plain.has_gap, seen="bucket", unseen="error")
        places = ((row, (), value) for row, value in plain if value is not None or meaning == "error")
        known = counts_of(places)
        return cls(Vocabulary.fit(known, least_count=least_count, missing=meaning, unknown=unknown), output)

    @property
    def optional(self) -> bool:
        """Whether a value may be missing."""
        return self.vocabulary.missing == "bucket"

    @property
    def block(self) -> TensorSpec:
        """A 1 among zeros, or the id."""
        return TensorSpec("float32", (None, self.vocabulary.width)) if self.output == "onehot" else _ID

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON schema of one value; the known ones are its `enum`, or its `examples`."""
        schema = self.vocabulary.schema
        if not self.optional:
            return schema
        listed = {"enum": [*schema["enum"], None]} if "enum" in schema else {}
        return schema | {"type": [schema["type"], "null"]} | listed

    @property
    def datatype(self) -> Datatype:
        """The Open Inference Protocol's type of the values."""
        return self.vocabulary.type.datatype

    @property
    def control(self) -> Control:
        """A checkbox for what is true or false and nothing else, otherwise a choice."""
        return "checkbox" if self.vocabulary.type.python is bool and not self.optional else "choice"

    def limited(self, limits: InstanceLimits) -> "Category":
        """Return itself: categories are short."""
        return self

    def read(self, values: Sequence[Any], faults: Faults) -> Array:
        """Read a column: the ids of its values, `int64[n]`."""
        found = self.vocabulary.find(values)
        if None in found:
            found = [
                self._other(row, values[row], faults) if number is None else number for row, number in enumerate(found)
            ]
        return np.array(found, np.int64)

    def _other(self, row: int, value: Any, faults: Faults) -> int:
        return 0 if value is None and self.optional else self.vocabulary.other(row, value, faults)

    def encode(self, column: Array) -> Array:
        """Make the block of ids."""
        if self.output == "id":
            return column.astype(np.int32)[:, None]
        block = np.zeros((len(column), self.vocabulary.width), np.float32)
        block[np.arange(len(column)), column] = 1
        return block

    def measures(self, field: str) -> tuple[str, ...]:
        """Return nothing."""
        return ()

    def categories(self, field: str) -> Mapping[str, Sequence[str]]:
        """Return the names of the values that are counted, by the field's name."""
        return {field: self.vocabulary.names}

    def measured(self, field: str, column: Array, block: Array) -> Measures:
        """Count the values."""
        return Measures(np.empty((len(column), 0)), {field: self.vocabulary.count(column)})

    def to_state(self) -> dict[str, Any]:
        """Return the fitted state as JSON values."""
        return self.vocabulary.to_state() | {"output": self.output}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> "Category":
        """Read what `to_state` returned; raises ValueError, KeyError or TypeError if it is another."""
        return cls(Vocabulary.from_state(state), states.choice(state, "output", get_args(Output)))
