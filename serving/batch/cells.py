"""What a field's values look like in files: a cell of text -> the value that the field's encoder reads."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from serving.contract import Reading
from serving.contract.encoders import Encoder
from serving.contract.reading import date_of, tags_of

FLOATS, _INTEGERS, _BOOLEAN, BYTES = ("FP64", "FP32"), ("INT64", "INT32"), "BOOL", "BYTES"
_TRUTHS = {"true": True, "false": False, "1": True, "0": False, "1.0": True, "0.0": False}
MISSING = frozenset(("", "NA", "N/A", "NaN", "nan", "null", "NULL", "None"))
"""What stands in a cell for a value that is missing, where one may be."""


@dataclass(frozen=True)
class CellKind:
    """How files hold a field: its *datatype*, whether it is a list, a file or a date, and what *missing* looks like.

    A date is written like *format*, tags stand between *delimiter*, if these are not "". *as_trained* says that the
    contract knows how its rows are written: then spaces around a word for a missing value don't count in texts either.
    """

    datatype: str
    is_list: bool
    is_file: bool
    is_date: bool
    missing: frozenset[str]
    format: str = ""
    delimiter: str = ""
    as_trained: bool = False

    @classmethod
    def of(cls, encoder: Encoder, name: str = "", reading: Reading | None = None) -> "CellKind":
        """Take from *encoder*, that of the field *name*, what files need to know of it.

        A word that is one of its values is not missing.
        """
        missing = _missing(encoder, reading) if encoder.optional else frozenset()
        if encoder.control == "text":
            missing &= {""}  # any word may be a text
        if missing and encoder.control == "date":
            missing |= {"NaT"}  # as tables have it
        is_file = encoder.control == "picture"
        return cls(
            encoder.datatype,
            encoder.value_shape != (),
            is_file,
            encoder.control == "date",
            missing,
            reading.dates.get(name, "") if reading else "",
            reading.delimiters.get(name, "") if reading else "",
            reading is not None and not is_file,
        )

    @property
    def is_number(self) -> bool:
        """Whether it is one number."""
        return not self.is_list and self.datatype in (*FLOATS, *_INTEGERS)

    @property
    def has_odd_numbers(self) -> bool:
        """Whether a word for a missing value looks like a number, such as -999."""
        return any(isinstance(_number(word, "."), float) for word in self.missing if word.lower() != "nan")

    def of_text(self, value: Any) -> Any:
        """Return a value of a file that has types, such as JSON lines: texts in it may be written as CSV cells are."""
        if not (self.as_trained and isinstance(value, str)):
            return value
        if value.strip() in self.missing:
            return None
        return self._reader(".")(value) if self.format or self.delimiter else value

    def reader(self, decimal: str) -> Callable[[str], Any]:
        """Return the function that reads a cell; what it can't read it leaves for the encoder to refuse."""
        read, missing = self._reader(decimal), self.missing
        if not missing:
            return read
        if self.datatype == BYTES and not (self.is_list or self.as_trained):  # spaces may be part of a text
            return lambda cell: None if cell in missing else read(cell)
        return lambda cell: None if cell.strip() in missing else read(cell)

    def _reader(self, decimal: str) -> Callable[[str], Any]:
        if self.delimiter:
            return lambda cell: tags_of(cell, self.delimiter)
        if self.is_list:
            return _json
        if self.is_date:
            return lambda cell: date_of(cell, self.format) or cell.strip() if self.format else cell.strip()
        if self.datatype in FLOATS:
            return lambda cell: _number(cell, decimal)
        if self.datatype in _INTEGERS:
            return lambda cell: _integer(cell, decimal)
        return _truth if self.datatype == _BOOLEAN else str


def _missing(encoder: Encoder, reading: Reading | None) -> frozenset[str]:
    """Return the words for a missing value: among texts of CSV those of training alone, else the usual ones as well."""
    usual = MISSING - _known(encoder)
    if reading is None:
        return usual
    is_text = encoder.datatype == BYTES and encoder.control != "date"
    return frozenset(reading.missing) | (frozenset() if reading.is_csv and is_text else usual)


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
