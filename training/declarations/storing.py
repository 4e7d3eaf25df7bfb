"""From a file to rows on disk, with values as a caller would send them."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np

from training.data.records import is_gap
from training.declarations.cells import CategoryReading, category_reading, category_readings, column_values
from training.declarations.cells import is_gap as is_missing
from training.declarations.declaration import FieldPart
from training.declarations.fields import READING
from training.declarations.files import TableFile
from training.declarations.store import RowWriter, StoredRows
from training.declarations.table import Table


def stored_rows(
    file: TableFile, fields: Mapping[str, FieldPart], counted: np.ndarray
) -> tuple[StoredRows, Counter[str]]:
    """Return all rows of *file* as instances, and how many gaps each field has in the *counted* rows.

    Raises BadRequest, with the place in the file, and CacheUnavailable.
    """
    gaps = Counter[str]()
    counts = np.isin(np.arange(counted.max() + 1), counted)
    read_as = _read_as(file, fields)
    with RowWriter() as writer:
        for piece in file.pieces(fields):
            values = {name: _values(file, piece, name, part, read_as) for name, part in fields.items()}
            writer.add(values)
            own = counts[piece.first : piece.first + piece.rows].tolist()
            for name, column in values.items():
                gaps[name] += sum(is_gap(value) for value, counts_here in zip(column, own, strict=False) if counts_here)
        return writer.finish(), +gaps


def _values(
    file: TableFile, piece: Table, name: str, part: FieldPart, read_as: Mapping[str, CategoryReading]
) -> list[Any]:
    options = {option: part.options[option] for option in READING.get(part.kind, {}) if option in part.options}
    return column_values(piece, name, part.kind, file.dialect, reading=read_as.get(name), **options)


def _read_as(file: TableFile, fields: Mapping[str, FieldPart]) -> Mapping[str, CategoryReading]:
    """Return how the categories of a CSV file are read: all of a column in the same way."""
    found = {name: category_readings([]) for name, part in fields.items() if part.kind == "category" and file.texts}
    for piece in file.pieces(found) if found else ():
        for name in found:
            found[name] &= category_readings(
                [None if is_missing(cell, file.dialect, "category") else cell for cell in piece.columns[name]]
            )
    return {name: category_reading(common) for name, common in found.items()}
