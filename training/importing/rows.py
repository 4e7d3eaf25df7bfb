"""The examples: rows of a JSONL, JSON or CSV file, as instances."""

import csv
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from serving.errors import shown
from training.importing.errors import CannotImport, first_line

MOST_ROWS = 10_000
_MOST_BYTES = 1_000_000_000


@dataclass(frozen=True)
class Rows:
    """The rows of *path* and the names of their *columns*; in a CSV file all values are texts."""

    path: Path
    columns: tuple[str, ...]
    rows: Sequence[Mapping[str, Any]]
    are_texts: bool

    def values(self, column: str) -> list[Any]:
        """Return a column's values, None where a row has none."""
        return [row.get(column) for row in self.rows]


def read_rows(path: Path) -> Rows:
    """Read the first rows of a file, at most 10,000. Raises CannotImport."""
    readers: dict[str, Callable[[Path], Iterator[Any]]] = {
        ".jsonl": _json_lines,
        ".ndjson": _json_lines,
        ".json": _json_list,
        ".csv": _csv_rows,
    }
    if path.suffix.lower() not in readers:
        raise CannotImport(f"{path}: expected rows in a file called *{', *'.join(readers)}, got '{path.suffix}'")
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise CannotImport(f"{path}: expected at most {_MOST_BYTES:,} bytes of examples: a few hundred rows do")
        rows = [*islice(readers[path.suffix.lower()](path), MOST_ROWS)]
    except (OSError, UnicodeDecodeError, csv.Error, RecursionError) as error:
        raise CannotImport(f"{path}: expected a file of rows in UTF-8, got one that can't be read: {error}") from error
    if not rows:
        raise CannotImport(f"{path}: expected rows with values for the model's inputs, got an empty file")
    for number, row in enumerate(rows):
        if not isinstance(row, dict) or not row:
            raise CannotImport(f"{path}: row {number}: expected an object with named fields, got {shown(row)}")
    return Rows(path, tuple(dict.fromkeys(name for row in rows for name in row)), rows, path.suffix.lower() == ".csv")


def _json_lines(path: Path) -> Iterator[Any]:
    with path.open(encoding="utf-8-sig") as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                yield _parsed(line, f"{path}: line {number}")


def _json_list(path: Path) -> Iterator[Any]:
    document = _parsed(path.read_text("utf-8-sig"), str(path))
    if not isinstance(document, list):
        raise CannotImport(f"{path}: expected a list of objects, got {shown(document)}")
    yield from document


def _csv_rows(path: Path) -> Iterator[Any]:
    with path.open(encoding="utf-8-sig", newline="") as lines:
        reader = csv.DictReader(lines, strict=True)
        names = reader.fieldnames or []
        if len(set(names)) < len(names):
            raise CannotImport(f"{path}: expected columns that differ in their names, got {', '.join(names)}")
        for row in reader:
            if None in row or None in row.values():
                raise CannotImport(
                    f"{path}: line {reader.line_num}: expected {len(names)} cells, as the first line has"
                )
            yield row


def _parsed(text: str, place: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise CannotImport(f"{place}: expected JSON, got something else ({first_line(error)})") from error
