"""Arrow values -> values for CSV and JSON: text, numbers, booleans, lists, objects.

Python's own types can't hold some of them: they have no nanoseconds, and no years after 9999.
"""

import base64
import uuid
from collections.abc import Callable, Iterable
from typing import Any

from serving.batch.arrow import iso_times as iso
from serving.batch.extras import extra

_SECONDS_A_DAY = 86_400
_MILLISECONDS_A_DAY = 1000 * _SECONDS_A_DAY
_UNITS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_ALLOWED_IN_TEXT = "\t\n\r"


def plain(array: Any) -> list[Any]:
    """Return the values of an Arrow array.

    Times are ISO 8601 with the offset of their zone; decimals are text with all their digits. Bytes are text if they
    can be read as such, since old Parquet files do not mark text, otherwise base64.
    """
    types, kind = extra("pyarrow", "Parquet").types, array.type
    if hasattr(array, "storage"):
        return _of_extension(array)
    if types.is_dictionary(kind):
        return plain(array.dictionary_decode())
    for fits, convert in _CONVERTERS:
        if getattr(types, fits)(kind):
            return convert(array)
    values: list[Any] = array.to_pylist()
    return values


def is_text(kind: Any) -> bool:
    """Return whether an Arrow type is text."""
    types = extra("pyarrow", "Parquet").types
    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))


def is_bytes(kind: Any) -> bool:
    """Return whether an Arrow type is bytes."""
    types = extra("pyarrow", "Parquet").types
    return bool(
        types.is_binary(kind)
        or types.is_large_binary(kind)
        or types.is_binary_view(kind)
        or types.is_fixed_size_binary(kind)
    )


def _each(convert: Callable[[Any], Any], values: Iterable[Any]) -> list[Any]:
    return [None if value is None else convert(value) for value in values]


def _of_extension(array: Any) -> list[Any]:
    arrow = extra("pyarrow", "Parquet")
    if array.type.extension_name == "arrow.uuid":
        return _each(lambda value: str(uuid.UUID(bytes=value)), array.storage.to_pylist())
    if array.type.extension_name == "arrow.bool8":
        return _each(bool, array.storage.to_pylist())
    if arrow.types.is_fixed_size_list(array.type.storage_type):
        return plain(array.storage.cast(arrow.list_(array.type.storage_type.value_type)))
    return plain(array.storage)


def _texts(array: Any) -> list[Any]:
    try:
        values: list[Any] = array.to_pylist()
    except UnicodeDecodeError:  # Parquet only claims that it is UTF-8
        return _bytes(array.cast(extra("pyarrow", "Parquet").large_binary()))
    return values


def _bytes(array: Any) -> list[Any]:
    return _each(_byte_text, array.to_pylist())


def _byte_text(value: bytes) -> str:
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return base64.b64encode(value).decode()
    is_printable = all(character.isprintable() or character in _ALLOWED_IN_TEXT for character in text)
    return text if is_printable else base64.b64encode(value).decode()


def _decimals(array: Any) -> list[Any]:
    return _each(lambda value: format(value, "f"), array.to_pylist())


def _counts(array: Any) -> list[Any]:
    """Return the integers in which Arrow stores times and durations."""
    arrow = extra("pyarrow", "Parquet")
    counts: list[Any] = array.view(arrow.int32() if array.type.bit_width == 32 else arrow.int64()).to_pylist()
    return counts


def _dates(array: Any) -> list[Any]:
    per_day = 1 if array.type.bit_width == 32 else _MILLISECONDS_A_DAY
    return _each(lambda count: iso.date(count // per_day), _counts(array))


def _timestamps(array: Any) -> list[Any]:
    per_second = _UNITS[array.type.unit]
    counts = _counts(array)
    offsets = _offsets(array, counts)
    texts = _each(lambda count: iso.moment(count, per_second), counts)
    if offsets is None:
        return texts
    return _each(lambda pair: iso.moment(pair[0] + pair[1] * per_second, per_second) + iso.offset(pair[1]), offsets)


def _offsets(array: Any, counts: list[Any]) -> list[Any] | None:
    """Pair each count with its zone's offset in seconds; None if the type has no zone.

    The offset is 0 if the zone is unknown here, or the local time exceeds what Arrow can hold.
    """
    if array.type.tz is None:
        return None
    arrow = extra("pyarrow", "Parquet")
    try:
        local = _counts(extra("pyarrow.compute", "Parquet").local_timestamp(array))
    except arrow.ArrowInvalid:
        local = counts
    per_second = _UNITS[array.type.unit]
    return [
        None if count is None else (count, _offset((there - count) // per_second))
        for count, there in zip(counts, local, strict=True)
    ]


def _offset(seconds: int) -> int:
    return seconds if abs(seconds) < _SECONDS_A_DAY else 0  # Arrow's sum overflowed


def _times(array: Any) -> list[Any]:
    per_second = _UNITS[array.type.unit]
    return _each(lambda count: iso.time(count, per_second), _counts(array))


def _durations(array: Any) -> list[Any]:
    per_second = _UNITS[array.type.unit]
    return _each(lambda count: iso.duration(count, per_second), _counts(array))


def _lists(array: Any) -> list[Any]:
    return [plain(scalar.values) if scalar.is_valid else None for scalar in array]


def _maps(array: Any) -> list[Any]:
    """Return objects; a map that has a key twice becomes a list of pairs, so that nothing is lost."""
    return _each(_object, [_pairs(scalar.values) if scalar.is_valid else None for scalar in array])


def _pairs(entries: Any) -> list[tuple[Any, Any]]:
    return list(zip(plain(entries.field(0)), plain(entries.field(1)), strict=True))


def _object(pairs: list[tuple[Any, Any]]) -> Any:
    named = {key if isinstance(key, str) else str(key): value for key, value in pairs}
    return named if len(named) == len(pairs) else [list(pair) for pair in pairs]


def _structs(array: Any) -> list[Any]:
    names = [field.name for field in array.type]
    columns = [plain(array.field(index)) for index in range(len(names))]
    rows = zip(*columns, strict=True) if columns else ((),) * len(array)
    valid = array.is_valid().to_pylist()
    return [dict(zip(names, row, strict=True)) if there else None for there, row in zip(valid, rows, strict=True)]


_CONVERTERS: tuple[tuple[str, Callable[[Any], list[Any]]], ...] = (
    ("is_string", _texts),
    ("is_large_string", _texts),
    ("is_string_view", _texts),
    ("is_binary", _bytes),
    ("is_large_binary", _bytes),
    ("is_binary_view", _bytes),
    ("is_fixed_size_binary", _bytes),
    ("is_decimal", _decimals),
    ("is_date", _dates),
    ("is_timestamp", _timestamps),
    ("is_time", _times),
    ("is_duration", _durations),
    ("is_map", _maps),
    ("is_struct", _structs),
    ("is_list", _lists),
    ("is_large_list", _lists),
    ("is_fixed_size_list", _lists),
    ("is_list_view", _lists),
    ("is_large_list_view", _lists),
)
