"""Reading JSON lines, one row after the other."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from training.declarations.texts import opened_bytes
from training.errors import BadRequest

_LONGEST = 1 << 26
"""Bytes of a line at most."""


def json_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the objects with the numbers of their lines; blank lines are passed over. Raises BadRequest."""
    with opened_bytes(path) as file:
        number = 0
        while line := file.readline(_LONGEST + 1):
            number += 1
            if len(line) > _LONGEST:
                raise BadRequest(f"{path}, line {number}: expected at most {_LONGEST:,} bytes, got more")
            text = _decoded(path, number, line)
            if text.strip():
                yield number, _row(path, number, text)


def _decoded(path: Path, number: int, line: bytes) -> str:
    try:
        text = line.decode()
    except UnicodeDecodeError as error:
        found = f"{line[error.start]:#x}"
        raise BadRequest(f"{path}, line {number}: expected text in utf-8, got the byte {found}") from None
    return text.removeprefix("\ufeff") if number == 1 else text


def _row(path: Path, number: int, line: str) -> dict[str, Any]:
    try:
        row = json.loads(line, parse_constant=lambda word: None)  # NaN, as Python writes it
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"{path}, line {number}: expected a JSON object, got {line.strip()[:60]!r}") from error
    if not isinstance(row, dict):
        raise BadRequest(f"{path}, line {number}: expected a JSON object, got {line.strip()[:60]!r}")
    return row
