"""Arrow columns -> the values of instances, as the contract takes them: numbers, text, or a file's bytes."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from serving.batch.arrow.plain_values import is_bytes, is_text, plain
from serving.batch.cells import FLOATS, CellKind
from serving.batch.extras import extra
from serving.batch.rows import Columns

_IMAGE_STRUCT = {"bytes", "path"}
"""How Hugging Face's datasets hold an image."""


@dataclass(frozen=True)
class Unfit:
    """In place of a value that no instance can have; *reason* says what was expected."""

    reason: str


def instance_values(field: str, array: Any, columns: Columns) -> list[Any]:
    """Return the values of *field*, with `Unfit` for each that it can't have."""
    kind = columns.kinds[field]
    if kind.is_list:
        return _lists(field, array, kind)
    if kind.is_number:
        return _numbers(field, array, bool(kind.missing))
    if kind.is_file:
        return _files(field, array)
    if kind.datatype == "BOOL" or kind.is_date:
        return [kind.reader(".")(value) if isinstance(value, str) else value for value in plain(_stored(array))]
    values = _texts(field, array)
    return [kind.of_text(value) for value in values] if kind.as_trained else values


def _lists(field: str, array: Any, kind: CellKind) -> list[Any]:
    """Return lists, also from JSON texts, as a file has them that once was CSV."""
    types, array = extra("pyarrow", "Parquet").types, _stored(array)
    if is_text(array.type):
        read = kind.reader(".")
        return [None if value is None else read(value) for value in array.to_pylist()]
    if types.is_null(array.type):
        return [None] * len(array)
    if _is_list(array.type):
        return [_numbers_within(value, kind) for value in plain(_with_floats(array))]
    return _unfit(f"{field}: expected a list, got {array.type}", array)


def _is_list(kind: Any) -> bool:
    types = extra("pyarrow", "Parquet").types
    return bool(types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind))


def _with_floats(array: Any) -> Any:
    """Return the lists with floats instead of decimals, which elsewhere are text."""
    arrow, inner, depth = extra("pyarrow", "Parquet"), array.type, 0
    while _is_list(inner):
        inner, depth = inner.value_type, depth + 1
    if not arrow.types.is_decimal(inner):
        return array
    wanted = arrow.float64()
    for _ in range(depth):
        wanted = arrow.list_(wanted)
    return array.cast(wanted)


def _numbers_within(value: Any, kind: CellKind) -> Any:
    """Return a list in which NaN, as tables have it, is missing if that may be."""
    if not kind.missing or kind.datatype not in FLOATS:
        return value
    if isinstance(value, list):
        return [_numbers_within(item, kind) for item in value]
    return None if isinstance(value, float) and value != value else value


def _numbers(field: str, array: Any, nan_is_missing: bool) -> list[Any]:
    """Return numbers; values of other types stay as they are, for the contract to reject with a fitting message."""
    types, array = extra("pyarrow", "Parquet").types, _stored(array)
    if types.is_decimal(array.type):
        return [None if value is None else _number(value) for value in array.to_pylist()]
    if types.is_boolean(array.type) or is_text(array.type) or types.is_null(array.type):
        return plain(array)
    if types.is_integer(array.type) or types.is_floating(array.type):
        numbers: list[Any] = array.to_pylist()
        return [None if number != number else number for number in numbers] if nan_is_missing else numbers
    return _unfit(f"{field}: expected a number, got {array.type}", array)


def _number(value: Decimal) -> float:
    """Return a whole number with all its digits."""
    return int(value) if value == value.to_integral_value() else float(value)


def _texts(field: str, array: Any) -> list[Any]:
    """Return text, also from bytes: old Parquet files do not mark text as such."""
    arrow, kind, array = extra("pyarrow", "Parquet"), array.type, _stored(array)
    if is_text(array.type) or is_bytes(kind) or (arrow.types.is_dictionary(kind) and is_bytes(array.type)):
        return [_decoded(field, value) for value in array.cast(arrow.large_binary()).to_pylist()]
    if arrow.types.is_primitive(array.type) and not arrow.types.is_temporal(array.type):
        return plain(array)  # the contract decides whether it takes them
    if arrow.types.is_null(array.type):
        return [None] * len(array)
    return _unfit(f"{field}: expected a string, got {kind}", array)


def _files(field: str, array: Any) -> list[Any]:
    """Return bytes, or base64 text, also from the structs in which Hugging Face's datasets hold images."""
    types, array = extra("pyarrow", "Parquet").types, _stored(array)
    if types.is_struct(array.type) and {part.name for part in array.type} == _IMAGE_STRUCT:
        return [_held(field, value) for value in array.to_pylist()]
    if is_bytes(array.type):
        values: list[Any] = array.to_pylist()
        return values
    return _texts(field, array)


def _stored(array: Any) -> Any:
    """Return the array's stored values: dictionaries decoded, extension types as their storage type."""
    arrow = extra("pyarrow", "Parquet")
    if arrow.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if hasattr(array, "storage"):
        is_boolean = array.type.extension_name == "arrow.bool8"
        array = array.storage.cast(arrow.bool_()) if is_boolean else array.storage
    return array


def _decoded(field: str, value: bytes | None) -> Any:
    try:
        return None if value is None else value.decode()
    except UnicodeDecodeError:
        return Unfit(f"{field}: expected UTF-8, got other bytes")


def _held(field: str, value: dict[str, Any] | None) -> Any:
    if value is None or value["bytes"] is not None:
        return value and value["bytes"]
    if value["path"] is None:
        return None
    return Unfit(f"{field}: expected the image's bytes, got only its path, {value['path']!r}: embed the files")


def _unfit(reason: str, array: Any) -> list[Any]:
    return [None if not there else Unfit(reason) for there in array.is_valid().to_pylist()]
