"""What fitting has in common in all encoders: which values are missing, and what a fault among the rows is called."""

from collections.abc import Iterable
from typing import Any, TypeVar

import numpy as np

from serving.contract.faults import Faults

T = TypeVar("T")


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
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and value != value else value


def meaning_of_missing(given: T | None, values: Iterable[Any], *, seen: T, unseen: T) -> T:
    """Return what a missing value means: as *given*, else *seen* or *unseen*, by whether the rows have any."""
    if given is not None:
        return given
    return seen if any(value is None for value in values) else unseen


def refuse(faults: Faults) -> None:
    """Raise ValueError with the first of *faults* and how many there are; pass if there is none."""
    if faults.count:
        first = faults.first[0]
        more = f", and {faults.count - 1:,} more like it" if faults.count > 1 else ""
        raise ValueError(f"row {first.row}: {first}{more}")
