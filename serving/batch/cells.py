"""What a field's values look like in files: a cell of text -> the value that the field's encoder reads."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from serving.contract.encoders import Encoder

FLOATS, _INTEGERS, _BOOLEAN, BYTES = ("FP64", "FP32"), ("INT64", "INT32"), "BOOL", "BYTES"
_TRUTHS = {"true": True, "false": False, "1": True, "0": False, "1.0": True, "0.0": False}
MISSING = frozenset(("", "NA", "N/A", "NaN", "nan", "null", "NULL", "None"))
"""What stands in a cell for a value that is missing, where one may be."""


@dataclass(frozen=True)
class CellKind:
    """How files hold a field: its *datatype*, whether it is a list, a file or a date, and what *missing* looks like."""

    datatype: str
    is_list: bool
    is_file: bool
    is_date: bool
    missing: frozenset[str]

    @classmethod
    def of(cls, encoder: Encoder) -> "CellKind":
        """Take from *encoder* what files need to know of it. A word that is one of its values is not missing."""
        missing = MISSING - _known(encoder) if encoder.optional else frozenset()
        if encoder.control == "text":
            missing &= {""}  # any word may be a text
        if missing and encoder.control == "date":
            missing |= {"NaT"}  # as tables have it
        return cls(
            encoder.datatype,
            encoder.value_shape != (),
            encoder.control == "picture",
            encoder.control == "date",
            missing,
        )

    @property
    def is_number(self) -> bool:
        """Whether it is one number."""
        return not self.is_list and self.datatype in (*FLOATS, *_INTEGERS)

    def reader(self, decimal: str) -> Callable[[str], Any]:
        """Return the function that reads a cell; what it can't read it leaves for the encoder to refuse."""
        read, missing = self._reader(decimal), self.missing
        if not missing:
            return read
        if self.datatype == BYTES and not self.is_list:  # spaces may be part of a text
            return lambda cell: None if cell in missing else read(cell)
        return lambda cell: None if cell.strip() in missing else read(cell)

    def _reader(self, decimal: str) -> Callable[[str], Any]:
        if self.is_list:
            return _json
        if self.datatype in FLOATS:
            return lambda cell: _number(cell, decimal)
        if self.datatype in _INTEGERS:
            return lambda cell: _integer(cell, decimal)
        return _truth if self.datatype == _BOOLEAN else str


def _known(encoder: Encoder) -> set[str]:
    """Return the texts that are values of the field: its schema lists them, but not all of a large vocabulary."""
    schema = encoder.schema
    vocabulary = getattr(getattr(encoder, "vocabulary", None), "values", ())
    listed = (*schema.get("enum", ()), *schema.get("examples", ()), *vocabulary)
    return {value for value in listed if isinstance(value, str)}


def _number(cell: str, decimal: str) -> Any:
    if not cell.strip():
        return None
    if decimal != ".":
        if "." in cell:  # which then would be one of thousands: left for the contract to tell
            return cell
        cell = cell.replace(decimal, ".")
    try:
        return cell if "_" in cell else float(cell)
    except ValueError:
        return cell


def _integer(cell: str, decimal: str) -> Any:
    """Read a whole number, also one like 3.0: so programs write whole numbers of a column in which some are missing."""
    if not cell.strip():
        return None
    whole, _, fraction = cell.strip().partition(decimal)
    try:
        return cell if "_" in cell or fraction.strip("0") else int(whole)
    except ValueError:
        return cell


def _truth(cell: str) -> Any:
    return _TRUTHS.get(cell.strip().lower(), cell if cell.strip() else None)


def _json(cell: str) -> Any:
    if not cell.strip():
        return None
    try:
        return orjson.loads(cell)
    except orjson.JSONDecodeError:
        return cell
