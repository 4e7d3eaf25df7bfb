"""What fitting has in common in all encoders: the column of values, which are missing, and what a fault is called."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import ne
from typing import Any, Protocol, TypeVar, runtime_checkable

import numpy as np

from serving.contract.arrays import Array
from serving.contract.faults import Faults, RowFaults

T = TypeVar("T")

_PLAIN = {int, str, bool, bytes, type(None), float}


@runtime_checkable
class InPieces(Protocol):
    """A column too long for memory: its values come in pieces, each with the numbers of their rows, in any order."""

    def __len__(self) -> int:
        """Return the number of values."""
        ...

    def pieces(self) -> Iterator[tuple[Array, Sequence[Any]]]:
        """Yield `int64[n]` and n values, until all have been."""
        ...


class PlainColumn:
    """The values that an encoder is fitted to, as `plain_values` returns them, to be walked through piece by piece."""

    def __init__(self, values: Iterable[Any]) -> None:
        self._values = values if isinstance(values, InPieces) else plain_values(values)

    def __len__(self) -> int:
        return len(self._values)

    def pieces(self) -> Iterator[tuple[Array, list[Any]]]:
        """Yield values with the numbers of their rows; those of a list all at once."""
        if isinstance(self._values, list):
            yield np.arange(len(self._values)), self._values
            return
        for rows, piece in self._values.pieces():
            yield rows, plain_values(piece)

    def __iter__(self) -> Iterator[tuple[int, Any]]:
        for rows, piece in self.pieces():
            yield from zip(rows.tolist(), piece, strict=True)

    @property
    def has_gap(self) -> bool:
        """Whether a value is missing."""
        return any(value is None for _, value in self)

    def read(self, read: Callable[[Sequence[Any], Faults], Any], dtype: np.typing.DTypeLike) -> Array:
        """Read all values to one array, `dtype[n]`. Raises ValueError for faults."""
        faults, whole = Faults(), np.empty(len(self), dtype)
        for rows, piece in self.pieces():
            whole[rows] = read(piece, RowFaults(faults, rows))
        refuse(faults)
        return whole


def plain_values(values: Iterable[Any]) -> list[Any]:
    """Return *values* as Python's own: what NumPy has becomes int, float, str or list, and NaN becomes None: missing.

    Rows of training may come from a table, where NaN is how a gap looks. A caller's NaN is a fault.
    """
    plain: list[Any] = [_plain(value) for value in (values.tolist() if isinstance(values, np.ndarray) else values)]
    return plain


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, list):
        return value if _is_plain(value) else [_plain(item) for item in value]
    return None if isinstance(value, float) and value != value else value


def _is_plain(items: list[Any]) -> bool:
    """Return whether no item is a list, or of NumPy, or NaN: the rule, which is worth the look at all of them."""
    kinds = set(map(type, items))
    return kinds <= _PLAIN and not (float in kinds and any(map(ne, items, items)))


def meaning_of_missing(given: T | None, has_gap: bool, *, seen: T, unseen: T) -> T:
    """Return what a missing value means: as *given*, else *seen* or *unseen*, by whether the rows have any."""
    if given is not None:
        return given
    return seen if has_gap else unseen


def refuse(faults: Faults) -> None:
    """Raise ValueError with the first of *faults* and how many there are; pass if there is none."""
    if faults.count:
        first = faults.first[0]
        more = f", and {faults.count - 1:,} more like it" if faults.count > 1 else ""
        raise ValueError(f"row {first.row}: {first}{more}")
