"""Number fields that follow each other in an input, read and scaled as one matrix: the same numbers, in less time."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from itertools import takewhile
from typing import Any

import numpy as np

from serving.contract.arrays import Array
from serving.contract.encoders.encoder import Encoder
from serving.contract.encoders.number import Number
from serving.contract.encoders.scaling import LARGEST, as_float32
from serving.contract.faults import Faults, FieldFaults
from serving.contract.reference import Measures

_NUMBERS = {float, int}
_OPTIONAL_NUMBERS = {*_NUMBERS, type(None)}


@dataclass(frozen=True)
class NumberGroup:
    """At least two fields, each scaled by subtraction and division alone, and without a flag."""

    fields: Mapping[str, Number]

    @classmethod
    def of(cls, fields: Mapping[str, Encoder]) -> "NumberGroup | None":
        """Return the group of the first of *fields*, as far as they can be one."""
        first = takewhile(lambda item: _is_affine(item[1]), fields.items())
        numbers = {name: encoder for name, encoder in first if isinstance(encoder, Number)}
        return cls(numbers) if len(numbers) > 1 else None

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The fields' names."""
        return tuple(self.fields)

    def read(self, instances: Sequence[Mapping[str, Any]], faults: Faults) -> Array:
        """Read the numbers: `float64[n, fields]`, NaN where one is missing."""
        names = self.names
        cells: list[Any] = [instance.get(name) for instance in instances for name in names]
        kinds = set(map(type, cells))
        if kinds <= _OPTIONAL_NUMBERS:  # nearly all
            with suppress(OverflowError):
                if kinds <= _NUMBERS and len(instances) == 1 and sum(map(abs, cells)) <= LARGEST:
                    return np.array([cells], np.float64)
                matrix = np.array(cells, np.float64).reshape(-1, len(names))
                if self._are_fine(matrix, cells.count(None) if type(None) in kinds else 0):
                    return matrix
        columns = [
            encoder.read(cells[index :: len(names)], FieldFaults(faults, name))
            for index, (name, encoder) in enumerate(self.fields.items())
        ]
        return np.stack(columns, axis=1)

    def _are_fine(self, matrix: Array, missing: int) -> bool:
        fine = np.abs(matrix) <= LARGEST  # NaN is not
        if not missing:
            return bool(fine.all())
        return np.count_nonzero(~fine) == missing and bool(fine[:, self._required].all())

    def encode(self, column: Array) -> Array:
        """Make `float32[n, fields]`."""
        offsets, divisors, fills, low, high = self._fitted
        numbers = np.clip(column, low, high) if self._clips else column
        if self._may_miss:
            numbers = np.where(np.isnan(numbers), fills, numbers)
        return as_float32((numbers - offsets) / divisors)

    def measured(self, column: Array, block: Array) -> Measures:
        """Measure the numbers in their own units."""
        return Measures(column, {})

    @cached_property
    def _required(self) -> Array:
        return np.array([not encoder.optional for encoder in self.fields.values()])

    @cached_property
    def _may_miss(self) -> bool:
        return any(encoder.optional for encoder in self.fields.values())

    @cached_property
    def _clips(self) -> bool:
        return any(encoder.low is not None or encoder.high is not None for encoder in self.fields.values())

    @cached_property
    def _fitted(self) -> tuple[Array, ...]:
        encoders = self.fields.values()
        columns = (
            [each.scaling.offset for each in encoders],
            [each.scaling.divisor for each in encoders],
            [each.fill for each in encoders],
            [-np.inf if each.low is None else each.low for each in encoders],
            [np.inf if each.high is None else each.high for each in encoders],
        )
        return tuple(np.array(column, np.float64) for column in columns)


def _is_affine(encoder: Encoder) -> bool:
    return isinstance(encoder, Number) and not encoder.flag and encoder.scaling.scale in ("none", "standard", "minmax")
