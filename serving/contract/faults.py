"""What is wrong with values that a caller sent, gathered so that all of it can be reported together."""

from collections.abc import Sequence
from itertools import chain, islice

import numpy as np

from serving.errors import Fault, shown

__all__ = ["MAX_FAULTS", "Fault", "Faults", "shown"]

MAX_FAULTS = 20
"""The number of faults that are kept of a row, and reported of a request; all are counted."""


class Faults:
    """Collects the faults of many values, by row."""

    def __init__(self) -> None:
        self.by_row: dict[int, list[Fault]] = {}
        self.count = 0

    def add(self, row: int, expected: str, got: str, *path: str | int) -> None:
        """Note a fault; *got* is in words, such as `shown(value)`."""
        self.count += 1
        found = self.by_row.setdefault(row, [])
        if len(found) < MAX_FAULTS:
            found.append(Fault(row, path, expected, got))

    @property
    def rows(self) -> set[int]:
        """The rows that have any."""
        return set(self.by_row)

    @property
    def first(self) -> Sequence[Fault]:
        """The first MAX_FAULTS of them, by row."""
        return [*islice(chain.from_iterable(self.by_row[row] for row in sorted(self.by_row)), MAX_FAULTS)]


class RowFaults(Faults):
    """Passes faults on to *faults*, with the numbers that the *rows* have among all; counts those of these rows."""

    def __init__(self, faults: Faults, rows: Sequence[int] | np.ndarray) -> None:
        super().__init__()
        self._faults = faults
        self._rows = rows

    def add(self, row: int, expected: str, got: str, *path: str | int) -> None:
        """Note a fault of one of all rows."""
        self.count += 1
        self._faults.add(int(self._rows[row]), expected, got, *path)


class FieldFaults(Faults):
    """Passes the faults of a *field* on to *faults*, with its name; counts those of the field alone."""

    def __init__(self, faults: Faults, field: str) -> None:
        self.by_row, self.count = faults.by_row, 0
        self._faults = faults
        self._field = field

    def add(self, row: int, expected: str, got: str, *path: str | int) -> None:
        """Note a fault, in its place."""
        self.count += 1
        self._faults.add(row, expected, got, self._field, *path)
