"""Columns in paths, as Hive and Spark write them: `day=2026-01-01/shop=7/part-0.parquet` has two."""

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote

from serving.batch.extras import extra

Value = str | int | None

_NULL = "__HIVE_DEFAULT_PARTITION__"
_WHOLE = re.compile(r"-?[0-9]+")
_INT32 = range(-(2**31), 2**31)


def keys_of(paths: Sequence[str]) -> list[dict[str, Value]]:
    """Read the columns in each of *paths*: whole numbers if all values of the column are, otherwise text.

    As in `pyarrow.dataset.HivePartitioning`, numbers are int32, and dates stay text.
    """
    texts = [_texts(path) for path in paths]
    names = {name for keys in texts for name in keys}
    whole = {name for name in names if all(_is_whole(keys[name]) for keys in texts if keys.get(name) is not None)}
    return [{name: _value(text, name in whole) for name, text in keys.items()} for keys in texts]


def key_type(values: Sequence[Value]) -> Any:
    """Return the Arrow type of a column with these values in all files."""
    arrow = extra("pyarrow", "Parquet")
    return arrow.int32() if any(isinstance(value, int) for value in values) else arrow.string()


def _texts(path: str) -> dict[str, str | None]:
    keys = {}
    for part in path.split("/")[:-1]:
        name, equals, value = part.partition("=")
        if name and equals:
            keys[unquote(name)] = None if value == _NULL else unquote(value)
    return keys


def _is_whole(text: str | None) -> bool:
    return text is not None and bool(_WHOLE.fullmatch(text)) and int(text[:20]) in _INT32


def _value(text: str | None, is_whole: bool) -> Value:
    return int(text) if is_whole and text is not None else text
