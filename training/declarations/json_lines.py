"""Reading JSON lines, one row after the other."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from serving.captures.parts import FEEDBACK
from serving.captures.rows import as_row
from training.declarations.texts import opened_bytes
from training.errors import BadRequest

_LONGEST = 1 << 26
"""Bytes of a line at most."""


SUFFIXES = (".jsonl", ".ndjson")


def line_files(folder: Path) -> list[Path]:
    """List the files of JSON lines in *folder*, at any depth, such as those of captures; sorted."""
    found = [path for suffix in SUFFIXES for path in folder.rglob(f"[!._]*{suffix}*")]
    return sorted(path for path in found if FEEDBACK not in path.relative_to(folder).parts)


def json_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the objects of a file, or of a folder's files, with the numbers of their lines. Raises BadRequest.

    Of captures the objects are the instances, with the answers; those of failed requests are passed over, as are blank
    lines.
    """
    for file in line_files(path) if path.is_dir() else [path]:
        for number, row in _rows(file):
            if (instance := as_row(row)) is not None:
                yield number, instance


def _rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
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
