"""The dialect of a CSV file: the separator of its cells, the decimal mark of its numbers, and its encoding.

What the command does not specify is as in the file that the model was trained on, if the beginning of this one agrees
and the contract says it; otherwise it is detected there, if that is unambiguous.
"""

import codecs
import csv
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from serving.batch.errors import BadInput
from serving.contract import Reading
from serving.contract.reading import DECIMALS, ENCODINGS, SEPARATORS

__all__ = [
    "DECIMALS",
    "DETECTED",
    "ENCODINGS",
    "SEPARATORS",
    "Dialect",
    "find_decimal",
    "find_encoding",
    "find_separator",
]

_COMMA = re.compile(r"\s*[+-]?\d+,\d+\s*")
_THOUSANDS = re.compile(r"\s*[+-]?[1-9]\d{0,2},\d{3}\s*")


@dataclass(frozen=True)
class Dialect:
    """*separator*, *decimal* and *encoding* by the names that the command has for them; None is to be found out."""

    separator: str | None = None
    decimal: str | None = None
    encoding: str | None = None


DETECTED = Dialect()


def find_separator(chosen: str | None, usual: str, header: str, wanted: Sequence[str]) -> str:
    """Return the *chosen* separator, else the *usual* one, or the only other that yields all *wanted* columns."""
    if chosen:
        return SEPARATORS[chosen]
    if any(name in _split(header, usual) for name in wanted):
        return usual
    others = [mark for mark in SEPARATORS.values() if mark != usual and set(wanted) <= set(_split(header, mark))]
    return others[0] if len(others) == 1 and wanted else usual


def find_decimal(chosen: str | None, reading: Reading | None, separator: str, name: str, numbers: Iterable[str]) -> str:
    """Return the *chosen* decimal mark, else that of *reading* if the file has its *separator*.

    Otherwise it is a point, or a comma if *numbers*, the first of the file, have one. Raises BadInput if a comma could
    also separate thousands.
    """
    if chosen:
        return DECIMALS[chosen]
    if reading and reading.separator == separator:
        return reading.decimal
    with_comma = [cell for cell in numbers if _COMMA.fullmatch(cell)] if separator != "," else []
    if not with_comma:
        return "."
    if all(map(_THOUSANDS.fullmatch, with_comma)):
        raise BadInput(
            f"{name}: is {with_comma[0].strip()} a decimal number, or one of thousands? Use --decimal comma or point"
        )
    return ","


def find_encoding(chosen: str | None, reading: Reading | None, beginning: Callable[[], bytes]) -> str:
    """Return the *chosen* encoding, else that of *reading*, unless the *beginning* of the file has UTF-8's letters."""
    if chosen:
        return chosen
    if reading is None or reading.encoding == "utf-8":
        return "utf-8"
    first = beginning()
    if reading.encoding == "utf-16":
        return "utf-16" if b"\0" in first or first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8"
    return reading.encoding if first.isascii() or not _is_utf8(first) else "utf-8"


def _is_utf8(first: bytes) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(first)  # the last character may be cut off
    except UnicodeDecodeError:
        return False
    return True


def _split(header: str, separator: str) -> list[str]:
    return next(csv.reader([header], delimiter=separator), [])
