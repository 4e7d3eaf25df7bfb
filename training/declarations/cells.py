"""Values of a column: cells of text are read as their kind says, by the same rules as batch scoring reads them."""

import json
import math
import re
from collections.abc import Callable, Sequence, Set
from contextlib import suppress
from typing import Any, Literal

from serving.contract.reading import date_of, tags_of
from training.declarations.table import Dialect, Table
from training.declarations.words import quoted
from training.errors import BadRequest

USUAL_GAPS = ("", "NA", "N/A", "NaN", "nan", "null", "NULL", "None")
"""What stands in a cell for a gap; batch scoring takes these too."""
_POINT = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_COMMA = re.compile(r"[+-]?(\d+(,\d*)?|,\d+)([eE][+-]?\d+)?", re.ASCII)
_WHOLE = re.compile(r"[+-]?(0|[1-9]\d{0,17})", re.ASCII)
_TRUTHS = {"true": True, "false": False}

CategoryReading = Literal["whole", "truths", "texts"]
"""How the cells of a column of categories are read."""


def number_of(cell: str, decimal: str) -> int | float | None:
    """Return the number that a cell shows with this *decimal* mark, or None."""
    cell = cell.strip()
    if _WHOLE.fullmatch(cell):
        return int(cell)
    if not (_COMMA if decimal == "," else _POINT).fullmatch(cell):
        return None
    number = float(cell.replace(",", "."))
    return number if math.isfinite(number) else None


def is_gap(cell: Any, dialect: Dialect, kind: str) -> bool:
    """Return whether a cell, or a value, is missing; a text is so only if there is none: any word may be one."""
    if not isinstance(cell, str):
        return cell is None
    if kind == "text":
        return not cell.strip()
    return cell.strip() in dialect.na


def column_values(
    table: Table,
    name: str,
    kind: str,
    dialect: Dialect,
    *,
    format: str = "",
    delimiter: str = "",
    reading: CategoryReading | None = None,
) -> list[Any]:
    """Return a column's values as a caller would send them for a field of *kind*; None where one is missing.

    *format* is how dates are written, as `strptime` has it, *delimiter* what stands between tags, *reading* how
    categories are read, by default as those in *table* can all be. Raises BadRequest for the first that can't be read.
    """
    gapless = [None if is_gap(cell, dialect, kind) else cell for cell in table.columns[name]]
    if kind == "date" and format:
        return _each(table, name, gapless, lambda cell: date_of(cell, format), f"a date like {format}")
    if kind == "tags" and delimiter:
        return _each(table, name, gapless, lambda cell: tags_of(cell, delimiter), "a text")
    if not table.texts:
        return gapless
    if kind == "category":
        return plain_categories(gapless, reading or category_reading(category_readings(gapless)))
    return _read(table, name, kind, gapless, dialect)


def _read(table: Table, name: str, kind: str, cells: Sequence[str | None], dialect: Dialect) -> list[Any]:
    if kind == "number":
        mark = "" if dialect.decimal == "." else " with a decimal comma"
        return _each(table, name, cells, lambda cell: number_of(cell, dialect.decimal), f"a number{mark}")
    if kind in ("tags", "array"):
        return _each(table, name, cells, list_of, "a list in JSON")
    if kind == "date":
        return [cell if cell is None else cell.strip() for cell in cells]
    return list(cells)


def category_readings(cells: Sequence[str | None]) -> Set[CategoryReading]:
    """Return how all *cells* can be read as categories besides as texts: 007 is a text."""
    different = {cell.strip() for cell in cells if cell is not None}
    found: set[CategoryReading] = set()
    if all(map(_WHOLE.fullmatch, different)):
        found.add("whole")
    if all(cell.lower() in _TRUTHS for cell in different):
        found.add("truths")
    return found


def category_reading(found: Set[CategoryReading]) -> CategoryReading:
    """Return how categories are read that can be read in all ways of *found*."""
    return "whole" if "whole" in found else "truths" if "truths" in found else "texts"


def plain_categories(cells: Sequence[str | None], reading: CategoryReading) -> list[Any]:
    """Return categories as whole numbers, booleans or texts."""
    if reading == "whole":
        return [None if cell is None else int(cell) for cell in cells]
    if reading == "truths":
        return [None if cell is None else _TRUTHS[cell.strip().lower()] for cell in cells]
    return list(cells)


def _each(table: Table, name: str, cells: Sequence[Any], read: Callable[[Any], Any], expected: str) -> list[Any]:
    values = []
    for row, cell in enumerate(cells):
        value = None if cell is None else read(cell)
        if value is None and cell is not None:
            place = f"{table.file}, row {table.number(row)}, column {quoted(name)}"
            raise BadRequest(
                f"{place}: expected {expected}, got {quoted(cell)}; if this stands for a gap, add it to `na` of [data]"
            )
        values.append(value)
    return values


def list_of(cell: str) -> list[Any] | None:
    """Return the list that a cell has in JSON, or None."""
    with suppress(ValueError, RecursionError):
        value = json.loads(cell)
        return value if isinstance(value, list) else None
    return None
