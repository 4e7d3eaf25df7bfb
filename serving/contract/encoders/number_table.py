"""Several fields of numbers at once: what their encoders make one by one, in the time of one of them.

A request of one row with a dozen numbers would otherwise spend most of its time on calling NumPy for each.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any

import numpy as np

from serving.contract.arrays import Array
from serving.contract.encoders.number import Number
from serving.contract.encoders.scaling import LARGEST, as_float32

_NUMBERS = {float, int}
_OPTIONAL_NUMBERS = {float, int, type(None)}
_PLAIN = ("none", "standard", "minmax")


@dataclass(frozen=True)
class NumberTable:
    """Reads and encodes the *numbers* that are neighbours in a record; raises ValueError unless they are `together`."""

    numbers: tuple[Number, ...]

    def __post_init__(self) -> None:
        if not self.together(self.numbers):
            raise ValueError("expected numbers of the scales none, standard or minmax, without flags")

    @staticmethod
    def together(numbers: Sequence[Number]) -> bool:
        """Return whether *numbers* can be encoded together: their scales are lines, and each has one column."""
        return bool(numbers) and all(it.scaling.scale in _PLAIN and not it.flag for it in numbers)

    def read(self, rows: Sequence[Sequence[Any]]) -> Array | None:
        """Read rows, each with a value for each field: `float64[n, fields]`, NaN where one is missing.

        None if a value may be a fault: each field's own encoder then says which.
        """
        cells = list(chain.from_iterable(rows))
        kinds = set(map(type, cells))
        if not kinds <= (_OPTIONAL_NUMBERS if self._optional else _NUMBERS):
            return None
        try:
            table = np.array(cells, np.float64)
        except OverflowError:
            return None
        missing = cells.count(None) if type(None) in kinds else 0
        if np.count_nonzero(np.abs(table) <= LARGEST) < len(cells) - missing:  # NaN is not
            return None
        return table.reshape(len(rows), len(self.numbers))

    def encode(self, table: Array) -> Array:
        """Make `float32[n, fields]` of what `read` returned: the blocks of all fields beside each other."""
        offsets, divisors, fills, lows, highs = self._parameters
        if self._clipped:
            table = np.minimum(np.maximum(table, lows), highs)
        if self._has_optional:
            table = np.where(np.isnan(table), fills, table)
        return as_float32((table - offsets) / divisors)

    @cached_property
    def _optional(self) -> bool:
        return all(it.optional for it in self.numbers)

    @cached_property
    def _has_optional(self) -> bool:
        return any(it.optional for it in self.numbers)

    @cached_property
    def _clipped(self) -> bool:
        return any(it.low is not None or it.high is not None for it in self.numbers)

    @cached_property
    def _parameters(self) -> Array:
        """Offset, divisor, fill, low and high of each field: `float64[5, fields]`."""
        return np.array(
            [
                (
                    it.scaling.offset,
                    it.scaling.divisor,
                    it.fill,
                    -np.inf if it.low is None else it.low,
                    np.inf if it.high is None else it.high,
                )
                for it in self.numbers
            ]
        ).T.copy()
