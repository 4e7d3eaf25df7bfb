"""Outputs -> JSON, in the form of the REST predict call."""

import base64
import json
from collections.abc import Callable, Sequence
from math import isfinite, isnan
from typing import Any

import numpy as np

from serving.runtime.errors import invalid_argument
from serving.runtime.tensor_messages import Array

Outputs = Sequence[tuple[str, Array]]


def write_rows(outputs: Outputs) -> str:
    """Write `{"predictions": [...]}`: a value per row, or an object per row if there are several outputs."""
    rows = None
    for alias, array in outputs:
        if array.ndim == 0:
            raise invalid_argument(f"Tensor name: {alias} has no shape information ")
        rows = len(array) if rows is None else rows
        if len(array) != rows:
            raise invalid_argument(f"Tensor name: {alias} has inconsistent batch size: {len(array)} expecting: {rows}")
    columns = [(alias, _write_elements(alias, array)) for alias, array in outputs]
    if len(columns) == 1:
        return _document("predictions", _list(columns[0][1]))
    rows_of = zip(*(column for _, column in columns), strict=True)
    return _document("predictions", _list([_object(columns, row) for row in rows_of]))


def write_columns(outputs: Outputs) -> str:
    """Write `{"outputs": ...}`: the output itself, or an object if there are several."""
    texts = [_write(alias, array) for alias, array in outputs]
    return _document("outputs", texts[0] if len(texts) == 1 else _object(outputs, texts))


def _document(key: str, value: str) -> str:
    return f'{{\n    "{key}": {value}\n}}'


def _object(named: Sequence[tuple[str, Any]], values: Sequence[str]) -> str:
    members = (f"{json.dumps(alias)}: {value}" for (alias, _), value in zip(named, values, strict=True))
    return "{" + ", ".join(members) + "}"


def _list(texts: Sequence[str]) -> str:
    return "[" + ", ".join(texts) + "]"


def _write(alias: str, array: Array) -> str:
    return _list(_write_elements(alias, array)) if array.ndim else _writer(alias, array)(array.item())


def _write_elements(alias: str, array: Array) -> list[str]:
    if array.ndim > 1:
        return [_list(_write_elements(alias, part)) for part in array]
    write = _writer(alias, array)
    return [write(value) for value in array.tolist()]


def _writer(alias: str, array: Array) -> Callable[[Any], str]:
    if array.dtype == object:
        return _base64 if alias.endswith("_bytes") else _string
    if array.dtype.kind in "biu":
        return json.dumps
    return _double if array.dtype == np.float64 else _float


def _base64(value: bytes) -> str:
    return json.dumps({"b64": base64.b64encode(value).decode("ascii")})


def _string(value: bytes) -> str:
    return json.dumps(value.decode("utf-8", "replace"), ensure_ascii=False)


def _float(value: Any) -> str:
    value = float(value)
    text = f"{value:.6g}"
    return _decimal(value, text if np.float32(text) == np.float32(value) else f"{value:.9g}")


def _double(value: float) -> str:
    text = f"{value:.6g}"
    return _decimal(value, text if float(text) == value else f"{value:.17g}")


def _decimal(value: float, text: str) -> str:
    """Finish a number: `.0` after whole ones; NaN and infinities as the original writes them, though not JSON."""
    if not isfinite(value):
        return "NaN" if isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return f"{text}.0" if text.lstrip("-").isdigit() else text
