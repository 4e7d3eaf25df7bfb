"""Facts about a column: what its values are, how many are missing, and how many differ."""

import re
from collections import Counter
from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Literal

from serving.contract.encoders.scaling import LARGEST
from serving.contract.encoders.timestamps import PATTERN
from training.declarations.cells import column_values, is_gap, list_of, number_of
from training.declarations.table import Dialect, Table

Type = Literal["nothing", "numbers", "truths", "dates", "lists", "texts", "objects", "huge", "mixed"]

DATE_FORMATS = (
    "%d.%m.%Y", "%d.%m.%y", "%d/%m/%Y", "%m/%d/%Y", "%Y/%m/%d", "%d-%m-%Y", "%d %b %Y", "%d %B %Y", "%b %d, %Y",
    "%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M", "%Y/%m/%d %H:%M:%S",
)  # fmt: skip
"""Ways of writing dates, besides those that are read as they are: 2026-11-28, and with a time 2026-11-28T12:30:00Z."""
_DATE = re.compile(PATTERN)


@dataclass(frozen=True, eq=False)
class Column:
    """A column with its *values*, None where one is missing, and of which *type* all others are.

    *format* is how dates are written, if otherwise than in RFC 3339; *other_format* is another way to read them.
    """

    name: str
    type: Type
    values: Sequence[Any] = field(repr=False)
    format: str = ""
    other_format: str = ""

    @cached_property
    def present(self) -> list[Any]:
        """The values that are not missing."""
        return [value for value in self.values if value is not None]

    @property
    def gaps(self) -> int:
        """The number of missing values."""
        return len(self.values) - len(self.present)

    @cached_property
    def counts(self) -> Counter[Any]:
        """How often each value occurs; lists count by their text."""
        return Counter(value if isinstance(value, str | int | float) else repr(value) for value in self.present)


def column_of(table: Table, name: str, dialect: Dialect) -> Column:
    """Return what there is to know about a column."""
    return _of_cells(table, name, dialect) if table.texts else _of_values(table, name, dialect)


def _of_cells(table: Table, name: str, dialect: Dialect) -> Column:
    cells = [None if is_gap(cell, dialect, "category") else cell for cell in table.columns[name]]
    present = [cell.strip() for cell in cells if cell is not None]
    if not present:
        return Column(name, "nothing", cells)
    different = set(present)
    if all(number_of(cell, dialect.decimal) is not None for cell in different) and not _leading_zeros(different):
        numbers = column_values(table, name, "number", dialect)
        huge = any(abs(number) > LARGEST for number in numbers if number is not None)
        return Column(name, "huge" if huge else "numbers", numbers)
    if all(cell.lower() in ("true", "false") for cell in different):
        return Column(name, "truths", column_values(table, name, "category", dialect))
    if all(cell.startswith("[") and list_of(cell) is not None for cell in different):
        return Column(name, "lists", column_values(table, name, "array", dialect))
    return _dates_or_texts(name, cells, different)


def _leading_zeros(cells: Set[str]) -> bool:
    """Return whether the digits are those of a code, such as 01067."""
    return any(len(cell) > 1 and cell[0] == "0" and cell.isdigit() for cell in cells)


def _of_values(table: Table, name: str, dialect: Dialect) -> Column:
    values = [None if is_gap(value, dialect, "category") else value for value in table.columns[name]]
    kinds = {type(value) for value in values if value is not None}
    if not kinds:
        return Column(name, "nothing", values)
    numbers = [value for value in values if isinstance(value, int | float)]
    if not all(abs(value) <= LARGEST for value in numbers):
        return Column(name, "huge", values)
    for of_type, python in _PYTHON.items():
        if kinds <= python:
            return Column(name, of_type, values)
    if kinds <= {str}:
        return _dates_or_texts(name, values, {value.strip() for value in values if value is not None})
    return Column(name, "mixed", [None if value is None else repr(value) for value in values])


_PYTHON: dict[Type, set[type]] = {"numbers": {int, float}, "truths": {bool}, "lists": {list}, "objects": {dict}}


def _dates_or_texts(name: str, values: Sequence[Any], present: Set[str]) -> Column:
    if all(map(_DATE.fullmatch, present)):
        return Column(name, "dates", values)
    known = [format for format in DATE_FORMATS if all(has_format(text, format) for text in present)]
    if known:
        return Column(name, "dates", values, known[0], known[1] if len(known) > 1 else "")
    return Column(name, "texts", values)


def has_format(text: str, format: str) -> bool:
    """Return whether a text is a date that is written like *format*."""
    try:
        datetime.strptime(text, format)
    except ValueError:
        return False
    return True
