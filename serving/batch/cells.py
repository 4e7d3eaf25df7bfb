"""What a field's values look like in files: a cell of text -> the value that the field's encoder reads."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from serving.contract.encoders import Encoder

FLOATS, _INTEGERS, _BOOLEAN = ("FP64", "FP32"), ("INT64", "INT32"), "BOOL"
_TRUTHS = {"true": True, "false": False, "1": True, "0": False}
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
        schema = encoder.schema
        known = {value for value in (*schema.get("enum", ()), *schema.get("examples", ())) if isinstance(value, str)}
        missing = MISSING - known if encoder.optional else frozenset()
        if encoder.control == "text":
            missing &= {""}  # any word may be a text
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
        return (lambda cell: None if cell in missing else read(cell)) if missing else read

    def _reader(self, decimal: str) -> Callable[[str], Any]:
        if self.is_list:
            return _json
        if self.datatype in FLOATS:
            return lambda cell: _number(cell, decimal)
        if self.datatype in _INTEGERS:
            return _integer
        return _truth if self.datatype == _BOOLEAN else str


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


def _integer(cell: str) -> Any:
    if not cell.strip():
        return None
    try:
        return cell if "_" in cell else int(cell)
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
