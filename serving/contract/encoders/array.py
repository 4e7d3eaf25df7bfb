"""Arrays: a column of nested lists of numbers, of one shape or padded to it -> float32, scaled by channel."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from math import prod
from operator import itemgetter
from typing import Any, ClassVar, Literal, get_args

import numpy as np

from serving.contract import states
from serving.contract.arrays import Array, TensorSpec
from serving.contract.encoders import nested
from serving.contract.encoders.channels import BLOCK, Channels, ChannelScale, fit_channels
from serving.contract.encoders.encoder import Control, Datatype
from serving.contract.encoders.fitting import PlainColumn, meaning_of_missing, refuse
from serving.contract.encoders.number import read_number, read_numbers
from serving.contract.encoders.padding import End, Padding
from serving.contract.encoders.scaling import LARGEST
from serving.contract.faults import Faults, RowFaults
from serving.contract.instance_limits import InstanceLimits
from serving.contract.places import place
from serving.contract.reference import Measures

Missing = Literal["error", "mean"]
Column = Array | list[Array]


@dataclass(frozen=True)
class NumberArray:
    """Turns nested lists into `float32[batch, *shape]`, scaled by channel: the last of several axes has the channels.

    With a *padding*, the first axis may have any length. A missing number counts as the mean of its channel; a missing
    array is one of missing numbers, or with a padding an empty one.
    """

    shape: tuple[int, ...]
    channels: Channels
    missing: Missing = "error"
    padding: Padding | None = None
    kind: ClassVar[str] = "array"
    datatype: ClassVar[Datatype] = "FP64"
    control: ClassVar[Control] = "list"

    def __post_init__(self) -> None:
        nested.check_shape(self.shape)
        if not self.shape:
            raise states.Misfit(
                "shape", "expected at least one axis: for numbers on their own there is the encoder 'number'"
            )
        if self.missing not in get_args(Missing):
            raise states.Misfit("missing", f"expected error or mean, got {self.missing!r}")
        if len(self.channels.means) != _channels(self.shape):
            raise ValueError(f"expected {_channels(self.shape)} channels, got {len(self.channels.means)}")

    @classmethod
    def fit(
        cls,
        values: Iterable[Any],
        *,
        scale: ChannelScale = "standard",
        missing: Missing | None = None,
        length: int | None = None,
        padding: float = 0.0,
        pad: End = "end",
        cut: End = "end",
    ) -> "NumberArray":
        """Fit to *values*, None where one is missing, with None or NaN for a number that is.

        With a *length*, the first axis may have any: shorter ones are filled up with *padding* (already scaled) at the
        end or beginning that *pad* says, longer ones are cut at that of *cut*. *missing* is by default the mean if
        there are missing numbers. Raises ValueError for what is no array of the first one's shape, or has no number.
        """
        plain = PlainColumn(values)
        if length is not None:
            states.whole({"length": length}, "length", 1, nested.MOST_ELEMENTS)
        shape = _shape(plain, length)
        has_gap = missing is None and any(_has_gap(value) for _, value in plain)
        meaning: Missing = meaning_of_missing(missing, has_gap, seen="mean", unseen="error")
        filled = None if length is None else Padding(states.finite({"padding": padding}, "padding"), pad, cut)
        zeros, ones = (0.0,) * _channels(shape), (1.0,) * _channels(shape)
        reader = cls(shape, Channels("none", zeros, zeros, ones), meaning, filled)
        return cls(shape, fit_channels(scale, reader._blocks(plain)), meaning, filled)

    def _blocks(self, plain: PlainColumn) -> Iterator[Array]:
        """Yield the numbers by channel, in blocks of BLOCK or just more, whatever the pieces; each in order of rows."""
        faults, size = Faults(), 0
        block: list[tuple[int, Array]] = []
        for rows, piece in plain.pieces():
            column = self.read(piece, RowFaults(faults, rows))
            for row, numbers in zip(rows.tolist(), () if faults.count else column, strict=False):
                block.append((row, numbers))
                size += numbers.size
                if size >= BLOCK:
                    yield self._in_order(block)
                    block, size = [], 0
        refuse(faults)
        if block:
            yield self._in_order(block)

    def _in_order(self, block: list[tuple[int, Array]]) -> Array:
        return self._flat([numbers for _, numbers in sorted(block, key=itemgetter(0))])

    @property
    def optional(self) -> bool:
        """Whether an array may be missing, or a number in it."""
        return self.missing == "mean"

    @property
    def block(self) -> TensorSpec:
        """The scaled numbers."""
        return TensorSpec("float32", (None, *self.shape))

    @property
    def _sizes(self) -> nested.Sizes:
        return (None if self.padding else self.shape[0], *self.shape[1:])

    @property
    def _longest(self) -> int:
        return nested.MOST_ELEMENTS // prod(self.shape[1:])

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON schema of one value."""
        number = {"type": "number", "minimum": -LARGEST, "maximum": LARGEST}
        if not self.optional:
            schema = nested.nested_schema(self._sizes, number, self._longest)
        else:
            schema = nested.nested_schema(self._sizes, number | {"type": ["number", "null"]}, self._longest)
            schema |= {"type": ["array", "null"]}
        return schema | ({"description": self.padding.words(self.shape[0])} if self.padding else {})

    @property
    def value_shape(self) -> tuple[int, ...] | None:
        """The shape of one value; None if the first axis may have any length."""
        return None if self.padding else self.shape

    def limited(self, limits: InstanceLimits) -> "NumberArray":
        """Return itself: its shape is its limit."""
        return self

    def read(self, values: Sequence[Any], faults: Faults) -> Column:
        """Read a column: `float64[n, *shape]`, NaN for what is missing; with a padding, an array for each value."""
        if self.optional:
            absent = [] if self.padding else np.full(self.shape, None).tolist()
            values = [absent if value is None else value for value in values]
        elements = nested.elements_of(values, self._sizes)
        if elements is not None and (not self.padding or max(map(len, values), default=0) <= self._longest):
            found = Faults()
            numbers = read_numbers(elements, self.optional, found)
            if not found.count:  # nearly all columns
                return self._rows(numbers.reshape(-1, *self.shape[1:]), values)
        return [self._read(row, value, faults) for row, value in enumerate(values)]

    def _rows(self, items: Array, values: Sequence[list[Any]]) -> Column:
        """Part the *items* of all first axes among the rows."""
        if self.padding is None:
            return items.reshape(-1, *self.shape)
        ends = accumulate(map(len, values), initial=0)
        return [self.padding.cut_to(self.shape[0], items[start:end]) for start, end in pairwise(ends)]

    def _read(self, row: int, value: Any, faults: Faults) -> Array:
        found = faults.count
        if self.padding and isinstance(value, list) and len(value) > self._longest:
            faults.add(row, f"a list of at most {self._longest:,} items", f"{len(value):,}")
            return np.empty((0, *self.shape[1:]))
        numbers = list(nested.read_elements(row, value, self._sizes, faults, self._number))
        if faults.count > found:
            return np.empty((0, *self.shape[1:])) if self.padding else np.full(self.shape, np.nan)
        return self._rows(np.array(numbers, np.float64).reshape(-1, *self.shape[1:]), [value])[0]

    def _number(self, row: int, value: Any, faults: Faults, *path: int) -> float:
        return read_number(row, value, self.optional, faults, *path)

    def encode(self, column: Column) -> Array:
        """Make `float32[n, *shape]`."""
        scaled = self.channels.scaled(self._flat(column))
        if self.padding is None:
            return scaled.reshape(-1, *self.shape)
        return self.padding.filled(self.shape, scaled.reshape(-1, *self.shape[1:]), list(map(len, column)))

    def _flat(self, column: Column) -> Array:
        """Return the numbers of all rows by channel: `float64[n, channels]`."""
        numbers = (
            column if isinstance(column, np.ndarray) else np.concatenate((np.empty((0, *self.shape[1:])), *column))
        )
        return numbers.reshape(-1, _channels(self.shape))

    def measures(self, field: str) -> tuple[str, ...]:
        """Return the names of the mean and the deviation."""
        return f"{field}.mean", f"{field}.deviation"

    def categories(self, field: str) -> Mapping[str, Sequence[str]]:
        """Return nothing."""
        return {}

    def measured(self, field: str, column: Column, block: Array) -> Measures:
        """Measure mean and deviation of the numbers of each array, NaN where it has none."""
        rows = np.repeat(np.arange(len(column)), [numbers.size for numbers in column])
        numbers = self._flat(column).ravel()
        rows, numbers = rows[~np.isnan(numbers)], numbers[~np.isnan(numbers)]
        counts = np.bincount(rows, minlength=len(column))
        counts = np.where(counts, counts, np.nan)
        means = np.bincount(rows, numbers, len(column)) / counts
        deviations = np.sqrt(np.bincount(rows, (numbers - means[rows]) ** 2, len(column)) / counts)
        return Measures(np.stack((means, deviations), axis=1), {})

    def to_state(self) -> dict[str, Any]:
        """Return the fitted state as JSON values."""
        padding = self.padding.to_state() if self.padding else None
        return {"shape": list(self.shape), "missing": self.missing, "padding": padding} | self.channels.to_state()

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> "NumberArray":
        """Read what `to_state` returned; raises ValueError, KeyError or TypeError if it is another."""
        return cls(
            states.wholes(state, "shape", 1, nested.MOST_ELEMENTS),
            Channels.from_state(state),
            states.choice(state, "missing", get_args(Missing)),
            _padding(state),
        )


def _padding(state: Mapping[str, Any]) -> Padding | None:
    if state["padding"] is None:
        return None
    padding = states.mapping(state, "padding")
    with place("padding"):
        return Padding.from_state(padding)


def _channels(shape: Sequence[int]) -> int:
    return shape[-1] if len(shape) > 1 else 1


def _has_gap(value: Any) -> bool:
    if not isinstance(value, list):
        return value is None
    kinds = set(map(type, value))
    return type(None) in kinds or (list in kinds and any(map(_has_gap, value)))


def _shape(plain: PlainColumn, length: int | None) -> tuple[int, ...]:
    """Return the shape of the first array of most axes: an empty one does not tell what would be in it."""
    shapes = ((nested.shape_of(value), row) for row, value in plain if value is not None)
    first, found = min(shapes, key=lambda it: (-len(it[0]) if length is not None else 0, it[1]), default=((), None))
    if found is None:
        raise ValueError(f"expected at least one array, got {len(plain):,} rows without any")
    return first if length is None else (length, *first[1:])
