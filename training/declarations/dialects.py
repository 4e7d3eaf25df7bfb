"""Finding out how a CSV file is written: encoding, separator, decimal mark, and the words for a gap."""

import csv
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from training.declarations.cells import USUAL_GAPS, number_of
from training.declarations.files import CSV, content, decoded, suffix_of
from training.declarations.table import Dialect

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}
_GAPS = (
    *USUAL_GAPS,
    *"? - -- . n/a na NAN Na none NONE Null #N/A #NA \\N <NA> NaT (null) missing unknown nil k.A. n.a. N.A.".split(),
)
"""Words that stand for a gap where all other cells of a column are numbers."""
_LINES = 200
_SAMPLE = 20_000


def find_dialect(path: Path) -> Dialect:
    """Return how a file is written; for other formats than CSV, the usual one. Raises BadRequest."""
    if suffix_of(path) not in CSV:
        return Dialect(na=("",))
    data = content(path)
    encoding = _encoding(data)
    text = decoded(path, data, encoding)
    lines = [line for line in text[: 1 << 22].splitlines(keepends=True) if line.strip()]
    separator = _separator(lines[:_LINES])
    rows = _rows(lines[1 : _SAMPLE + 1], separator)
    decimal = _decimal(rows)
    return Dialect(separator, decimal, _gaps(_rows(text.splitlines(keepends=True)[1:], separator), decimal), encoding)


def _encoding(data: bytes) -> str:
    """Return UTF-8 or UTF-16 if the file is such, else the western code page of Windows, of nearly any bytes."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


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


def _columns(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    width = max((len(row) for row in rows), default=0)
    return [[row[place].strip() for row in rows if place < len(row)] for place in range(width)]


def _decimal(rows: Sequence[Sequence[str]]) -> str:
    """Return a comma if more columns are numbers with that than with a point."""

    def numbers(mark: str) -> int:
        return sum(_is_numeric(column, mark) and any(mark in cell for cell in column) for column in _columns(rows))

    return "," if numbers(",") > numbers(".") else "."


def _is_numeric(column: Sequence[str], decimal: str) -> bool:
    words = Counter(cell for cell in column if number_of(cell, decimal) is None)
    return len(column) > sum(words.values()) and set(words) <= set(_GAPS)


def _gaps(rows: Sequence[Sequence[str]], decimal: str) -> tuple[str, ...]:
    """Return the words for a gap that occur: the usual ones anywhere, others among numbers."""
    found = {""}
    for column in _columns(rows):
        words = {cell for cell in column if cell in _GAPS}
        found |= words if _is_numeric(column, decimal) else words & set(USUAL_GAPS)
    return tuple(word for word in _GAPS if word in found)
