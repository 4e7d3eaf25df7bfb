"""The dialect of a CSV file: the separator of its cells, and the decimal mark of its numbers.

What the command does not specify is detected from the beginning of the file, if that is unambiguous.
"""

import csv
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from serving.batch.errors import BadInput

SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}
DECIMALS = {"point": ".", "comma": ","}

_COMMA = re.compile(r"\s*[+-]?\d+,\d+\s*")
_THOUSANDS = re.compile(r"\s*[+-]?[1-9]\d{0,2},\d{3}\s*")


@dataclass(frozen=True)
class Dialect:
    """*separator* and *decimal* by the names that the command has for them; None is to be detected."""

    separator: str | None = None
    decimal: str | None = None


DETECTED = Dialect()


def find_separator(chosen: str | None, usual: str, header: str, wanted: Sequence[str]) -> str:
    """Return the *chosen* separator, else the *usual* one, or the only other that yields all *wanted* columns."""
    if chosen:
        return SEPARATORS[chosen]
    if any(name in _split(header, usual) for name in wanted):
        return usual
    others = [mark for mark in SEPARATORS.values() if mark != usual and set(wanted) <= set(_split(header, mark))]
    return others[0] if len(others) == 1 and wanted else usual


def find_decimal(chosen: str | None, separator: str, name: str, numbers: Iterable[str]) -> str:
    """Return the *chosen* decimal mark, else a point, or a comma if *numbers*, the first of the file, have one.

    Raises BadInput if a comma could also separate thousands.
    """
    if chosen:
        return DECIMALS[chosen]
    with_comma = [cell for cell in numbers if _COMMA.fullmatch(cell)] if separator != "," else []
    if not with_comma:
        return "."
    if all(map(_THOUSANDS.fullmatch, with_comma)):
        raise BadInput(
            f"{name}: is {with_comma[0].strip()} a decimal number, or one of thousands? Use --decimal comma or point"
        )
    return ","


def _split(header: str, separator: str) -> list[str]:
    return next(csv.reader([header], delimiter=separator), [])
