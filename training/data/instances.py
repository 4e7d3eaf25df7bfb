"""Instances that are made when they are asked for, piece by piece, of what is on disk: never all at once.

Whoever needs all of them walks through them in the order in which they are stored, which is fast on any disk, and gets
the number of each row with them.
"""

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar, overload

import numpy as np

Instance = Mapping[str, Any]
"""Raw values by name; an image is the bytes of its file."""

Numbers = np.ndarray
"""Numbers of rows: `int64[n]`."""

PIECE = 512
"""So many instances are taken at a time if nothing is known of their size."""

MOST = 1 << 20
"""More are never taken at a time."""

T = TypeVar("T")


class Lazy(Sequence[T]):
    """A sequence whose items are made by *take*, *piece* of them at a time; a slice of it is no copy."""

    piece: int = PIECE

    @abstractmethod
    def take(self, rows: Numbers) -> Sequence[T]:
        """Return the items with the numbers *rows*, in their order."""

    @overload
    def __getitem__(self, place: int) -> T: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[T]: ...

    def __getitem__(self, place: int | slice) -> T | Sequence[T]:
        if isinstance(place, slice):
            return Selected(self, range(len(self))[place])
        return self.take(np.array([range(len(self))[place]]))[0]

    def __iter__(self) -> Iterator[T]:
        for start in range(0, len(self), self.piece):
            yield from self.take(np.arange(start, min(start + self.piece, len(self))))

    def pieces(self, most: int = MOST) -> Iterator[tuple[Numbers, Sequence[T]]]:
        """Yield all items, at most *most* at a time, with the numbers that they have, in the order that is fastest."""
        size = min(self.piece, most)
        for start in range(0, len(self), size):
            rows = np.arange(start, min(start + size, len(self)))
            yield rows, self.take(rows)

    def column(self, name: str) -> "Lazy[Any]":
        """Return the values that the items, which are instances, have in one field; None where they have none."""
        return _Column(self, name)


class Selected(Lazy[T]):
    """The items of *base* that *index* names, in its order."""

    base: Sequence[T]
    chosen: Numbers | range

    def __init__(self, base: Sequence[T], index: Numbers | range) -> None:
        if isinstance(base, Selected):
            inner: Selected[T] = base
            whole = isinstance(index, range) and index == range(len(inner))
            base, index = inner.base, inner.chosen if whole else inner.numbers(index)
        self.base = base
        self.chosen = index
        self.piece = base.piece if isinstance(base, Lazy) else PIECE

    def __len__(self) -> int:
        return len(self.chosen)

    def numbers(self, rows: Numbers | range) -> Numbers:
        """Return the numbers in *base* of the items that have the numbers *rows* here."""
        rows = np.asarray(rows, np.int64)
        chosen = self.chosen
        return np.asarray(chosen.start + rows * chosen.step if isinstance(chosen, range) else chosen[rows])

    def take(self, rows: Numbers) -> Sequence[T]:
        """Return the items with the numbers *rows*, in their order."""
        numbers = self.numbers(rows)
        if isinstance(self.base, Lazy):
            return self.base.take(numbers)
        return [self.base[number] for number in numbers.tolist()]

    def pieces(self, most: int = MOST) -> Iterator[tuple[Numbers, Sequence[T]]]:
        """Yield all items in the order of *base*."""
        if isinstance(self.chosen, range):
            yield from super().pieces(most)
            return
        size = min(self.piece, most)
        order = np.argsort(self.numbers(range(len(self))), kind="stable")
        for start in range(0, len(self), size):
            rows = order[start : start + size]
            yield rows, self.take(rows)

    def column(self, name: str) -> Lazy[Any]:
        """Return the values of one field."""
        base = self.base.column(name) if isinstance(self.base, Lazy) else _Column(self.base, name)
        return Selected(base, self.chosen)


class _Column(Lazy[Any]):
    def __init__(self, instances: Sequence[Any], name: str) -> None:
        self._instances = instances
        self._name = name
        self.piece = instances.piece if isinstance(instances, Lazy) else PIECE

    def __len__(self) -> int:
        return len(self._instances)

    def take(self, rows: Numbers) -> Sequence[Any]:
        taken = self._instances.take(rows) if isinstance(self._instances, Lazy) else self._listed(rows)
        return [instance.get(self._name) for instance in taken]

    def _listed(self, rows: Numbers) -> Sequence[Any]:
        return [self._instances[row] for row in rows.tolist()]


def walk(instances: Sequence[T], most: int = MOST) -> Iterator[tuple[Numbers, Sequence[T]]]:
    """Yield all items, at most *most* at a time, with the numbers that they have, in the order that is fastest."""
    lazy = instances if isinstance(instances, Lazy) else Selected(instances, range(len(instances)))
    yield from lazy.pieces(most)
