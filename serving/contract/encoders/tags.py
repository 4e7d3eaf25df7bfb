"""Tags: a column of lists of strings, whole numbers or booleans -> multi-hot float32, or counts."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, ClassVar, Literal, cast, get_args

import numpy as np

from serving.contract import states
from serving.contract.arrays import Array, TensorSpec
from serving.contract.encoders.category_types import Value, counts_of
from serving.contract.encoders.encoder import Control, Datatype
from serving.contract.encoders.fitting import PlainColumn, meaning_of_missing, refuse
from serving.contract.encoders.vocabulary import Meaning, Vocabulary
from serving.contract.faults import Faults, shown
from serving.contract.instance_limits import InstanceLimits
from serving.contract.reference import Measures

Output = Literal["multihot", "count"]
MOST_ITEMS = 1_000
"""The longest list of tags."""
_MOST_WIDTH = 10_000


@dataclass(frozen=True)
class Tags:
    """Turns lists into `float32[batch, width]`: 1 for each tag that is in the list, or how often it is.

    The order of a list does not matter; that of the block is the vocabulary's: missing and unknown, where there are
    buckets for them, then tags. The missing bucket is for a list that is missing: an empty list is all zeros.
    """

    vocabulary: Vocabulary
    output: Output = "multihot"
    kind: ClassVar[str] = "tags"
    value_shape: ClassVar[None] = None
    control: ClassVar[Control] = "choices"

    def __post_init__(self) -> None:
        if self.output not in get_args(Output):
            raise states.Misfit("output", f"expected multihot or count, got {self.output!r}")
        if self.vocabulary.width > _MOST_WIDTH:
            raise ValueError(
                f"expected at most {_MOST_WIDTH:,} tags, got {self.vocabulary.width:,}: "
                "leave out rare ones with a larger least_count"
            )

    @classmethod
    def fit(
        cls,
        values: Iterable[Any],
        *,
        output: Output = "multihot",
        least_count: int = 1,
        missing: Meaning | None = None,
        unknown: Meaning | None = None,
    ) -> "Tags":
        """Fit to *values*, each a list, None or NaN where one is missing.

        *missing* is by default a bucket if there are such, *unknown* if any tag comes less often than *least_count*.
        Raises ValueError for what is no list of categories, a missing one if none may be, and if there is no tag.
        """
        plain = PlainColumn(values)
        meaning: Meaning = meaning_of_missing(missing, missing is None and plain.has_gap, seen="bucket", unseen="error")
        known = _tags(plain, meaning == "bucket")
        return cls(Vocabulary.fit(known, least_count=least_count, missing=meaning, unknown=unknown), output)

    @property
    def optional(self) -> bool:
        """Whether a list may be missing."""
        return self.vocabulary.missing == "bucket"

    @property
    def block(self) -> TensorSpec:
        """A number for each bucket and tag."""
        return TensorSpec("float32", (None, self.vocabulary.width))

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON schema of one list; the known tags are the items' `enum`, or their `examples`."""
        items = {"items": self.vocabulary.schema, "maxItems": MOST_ITEMS}
        return {"type": ["array", "null"] if self.optional else "array"} | items

    @property
    def datatype(self) -> Datatype:
        """The Open Inference Protocol's type of the tags."""
        return self.vocabulary.type.datatype

    def limited(self, limits: InstanceLimits) -> "Tags":
        """Return itself: tags are short."""
        return self

    def read(self, values: Sequence[Any], faults: Faults) -> list[list[int]]:
        """Read a column: for each value the ids of its tags."""
        if set(map(type, values)) <= {list} and max(map(len, values), default=0) <= MOST_ITEMS:
            found = self.vocabulary.find(list(chain.from_iterable(values)))
            if None not in found:  # nearly all columns
                ids = iter(cast(list[int], found))
                return [list(islice(ids, len(value))) for value in values]
        return [self._read(row, value, faults) for row, value in enumerate(values)]

    def _read(self, row: int, value: Any, faults: Faults) -> list[int]:
        if value is None and self.optional:
            return [0]
        if problem := _problem(value):
            faults.add(row, *problem)
            return []
        return [
            self.vocabulary.other(row, value[place], faults, place) if number is None else number
            for place, number in enumerate(self.vocabulary.find(value))
        ]

    def encode(self, column: Sequence[Sequence[int]]) -> Array:
        """Make the block of ids: `float32[len(column), width]`."""
        block = np.zeros((len(column), self.vocabulary.width), np.float32)
        rows, ids = _places(column)
        if self.output == "count":
            np.add.at(block, (rows, ids), 1)
        else:
            block[rows, ids] = 1
        return block

    def measures(self, field: str) -> tuple[str, ...]:
        """Return nothing."""
        return ()

    def categories(self, field: str) -> Mapping[str, Sequence[str]]:
        """Return the names of the tags that are counted, by the field's name."""
        return {field: self.vocabulary.names}

    def measured(self, field: str, column: Sequence[Sequence[int]], block: Array) -> Measures:
        """Count the tags of all lists."""
        return Measures(np.empty((len(column), 0)), {field: self.vocabulary.count(_places(column)[1])})

    def to_state(self) -> dict[str, Any]:
        """Return the fitted state as JSON values."""
        return self.vocabulary.to_state() | {"output": self.output}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> "Tags":
        """Read what `to_state` returned; raises ValueError, KeyError or TypeError if it is another."""
        return cls(Vocabulary.from_state(state), states.choice(state, "output", get_args(Output)))


def _places(column: Sequence[Sequence[int]]) -> tuple[Array, Array]:
    """Return the row and the id of every tag."""
    ids = np.fromiter(chain.from_iterable(column), np.int64)
    return np.repeat(np.arange(len(column)), list(map(len, column))), ids


def _problem(value: Any) -> tuple[str, str] | None:
    if not isinstance(value, list):
        return "a list", shown(value)
    if len(value) > MOST_ITEMS:
        return f"a list of at most {MOST_ITEMS:,} items", f"{len(value):,}"
    return None


def _tags(plain: PlainColumn, optional: bool) -> Counter[Value]:
    faults = Faults()
    for row, value in plain:
        problem = None if value is None and optional else _problem(value)
        if problem:
            faults.add(row, *problem)
    refuse(faults)
    places = ((row, (place,), tag) for row, value in plain for place, tag in enumerate(value or ()))
    return counts_of(places)
