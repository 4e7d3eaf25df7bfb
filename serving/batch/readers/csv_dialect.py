"""How a CSV file is written: what separates its cells, and whether its numbers have a decimal point or a comma.

What the command does not say is found out from the file's beginning, but only where there is one answer.
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
    """*separator* and *decimal* as the command names them; None is to be found out."""

    separator: str | None = None
    decimal: str | None = None


UNSAID = Dialect()


def find_separator(said: str | None, usual: str, header: str, wanted: Sequence[str]) -> str:
    """Return the separator: as *said*, else the *usual* one, or the only other that gives all *wanted* columns."""
    if said:
        return SEPARATORS[said]
    if any(name in _split(header, usual) for name in wanted):
        return usual
    others = [mark for mark in SEPARATORS.values() if mark != usual and set(wanted) <= set(_split(header, mark))]
    return others[0] if len(others) == 1 and wanted else usual


def find_decimal(said: str | None, separator: str, name: str, numbers: Iterable[str]) -> str:
    """Return the mark of decimals: as *said*, else a point, or a comma where *numbers*, the first of the file, show it.

    Raises BadInput if they could be either decimals or thousands.
    """
    if said:
        return DECIMALS[said]
    with_comma = [cell for cell in numbers if _COMMA.fullmatch(cell)] if separator != "," else []
    if not with_comma:
        return "."
    if all(map(_THOUSANDS.fullmatch, with_comma)):
        raise BadInput(
            f"{name}: is {with_comma[0].strip()} a decimal number, or one of thousands? Give --decimal comma or point"
        )
    return ","


def _split(header: str, separator: str) -> list[str]:
    return next(csv.reader([header], delimiter=separator), [])
