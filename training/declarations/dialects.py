"""Finding out how a CSV file is written: encoding, separator, decimal mark, and the words for a gap."""

import csv
import itertools
from collections.abc import Sequence, Set
from pathlib import Path

from training.declarations.cells import USUAL_GAPS, number_of
from training.declarations.files import CSV, suffix_of
from training.declarations.table import Dialect, Table
from training.declarations.texts import check_text, is_text, opened, opened_bytes

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}
_GAPS = (
    *USUAL_GAPS,
    *"? - -- . n/a na NAN Na none NONE Null #N/A #NA \\N <NA> NaT (null) missing unknown nil k.A. n.a. N.A.".split(),
)
"""Words that stand for a gap where all other cells of a column are numbers."""
_SET_OF_GAPS = frozenset(_GAPS)
_LINES = 200
_SAMPLE = 20_000


def find_dialect(path: Path) -> Dialect:
    """Return how a file is written, but for the words for a gap; not of CSV, the usual. Raises BadRequest."""
    if suffix_of(path) not in CSV:
        return Dialect(na=("",))
    encoding = _encoding(path)
    check_text(path, encoding)
    with opened(path, encoding) as text:
        lines = list(itertools.islice((line for line in text if line.strip()), _SAMPLE + 1))
    separator = _separator(lines[:_LINES])
    return Dialect(separator, _decimal(_rows(lines[1:], separator)), ("",), encoding)


def _encoding(path: Path) -> str:
    """Return UTF-8 or UTF-16 if the file is such, else the western code page of Windows, of nearly any bytes."""
    with opened_bytes(path) as file:
        if file.read(2) in (b"\xff\xfe", b"\xfe\xff"):
            return "utf-16"
    return "utf-8" if is_text(path, "utf-8") else "cp1252"


def _rows(lines: Sequence[str], separator: str) -> list[list[str]]:
    try:
        return list(csv.reader(lines, delimiter=separator))
    except csv.Error:  # a cell that is too long; reading the table will tell
        return []


def _separator(lines: Sequence[str]) -> str:
    """Return what parts most of the lines into the same number of columns, of several the one with most columns."""

    def rank(separator: str) -> tuple[float, int]:
        widths = [len(row) for row in _rows(lines, separator)]
        if not widths or widths[0] < 2:
            return 0.0, 1
        return widths.count(widths[0]) / len(widths), widths[0]

    best = max(SEPARATORS, key=rank)
    return best if rank(best)[1] > 1 else ","


def _columns(rows: Sequence[Sequence[str]]) -> list[set[str]]:
    """Return the different cells of each column."""
    width = max((len(row) for row in rows), default=0)
    return [{row[place].strip() for row in rows if place < len(row)} for place in range(width)]


def _decimal(rows: Sequence[Sequence[str]]) -> str:
    """Return a comma if more columns are numbers with that than with a point."""

    def numbers(mark: str) -> int:
        return sum(_is_numeric(column, mark) and any(mark in cell for cell in column) for column in _columns(rows))

    return "," if numbers(",") > numbers(".") else "."


def _is_numeric(cells: Set[str], decimal: str) -> bool:
    words = cells & _SET_OF_GAPS
    return len(cells) > len(words) and all(number_of(cell, decimal) is not None for cell in cells - words)


def find_gaps(table: Table, decimal: str) -> tuple[str, ...]:
    """Return the words for a gap that occur in a CSV file: the usual ones anywhere, others among numbers."""
    found = {""}
    for column in table.columns.values():
        cells = {cell.strip() for cell in column}
        words = cells & _SET_OF_GAPS
        found |= words if words and _is_numeric(cells, decimal) else words & set(USUAL_GAPS)
    return tuple(word for word in _GAPS if word in found)
