"""A column of a table with the file names of pictures: what is in these files, and which of them are no pictures."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from training.data.instances import Instance, Lazy, Numbers
from training.declarations.cells import is_gap
from training.declarations.columns import Column
from training.declarations.guesses import Guess
from training.declarations.table import Dialect, Table
from training.declarations.words import quoted

NAME = re.compile(r".+\.(jpe?g|png|webp|bmp|gif)\s*", re.I | re.S)
"""The name of a picture: those that photos of a folder have, too."""
_SIDE = 64
"""Height and width of pictures that are seen beside other fields, unless the file says otherwise."""

_LEAST_NAMES = 0.9
"""From this share of names on, the other cells are rather mistakes, which training names and leaves out."""


@dataclass(frozen=True)
class PictureColumn:
    """The file of each row of the table that has a picture, and what is wrong with the others."""

    paths: Mapping[int, Path] = field(repr=False)
    skipped: tuple[str, ...]
    missing: int


class WithPictures(Lazy[Instance]):
    """The *rows* of a table with the pictures that they name, which are read when they are asked for."""

    piece = 16

    def __init__(self, rows: Lazy[Instance], pictures: Mapping[str, PictureColumn]) -> None:
        self._rows = rows
        self._pictures = pictures

    def __len__(self) -> int:
        return len(self._rows)

    def take(self, rows: Numbers) -> Sequence[Instance]:
        """Return the instances with the numbers *rows*, which have all pictures. Raises BadRequest."""
        taken = zip(rows.tolist(), self._rows.take(rows), strict=True)
        return [{**row, **{name: self._picture(name, number) for name in self._pictures}} for number, row in taken]

    def column(self, name: str) -> Lazy[Any]:
        """Return the values of one field."""
        return super().column(name) if name in self._pictures else self._rows.column(name)

    def _picture(self, name: str, number: int) -> bytes:
        from training.data.photos import read_photo  # imports Keras: see below

        return read_photo(self._pictures[name].paths[number])


def find_pictures(folder: Path, table: Table, name: str, dialect: Dialect, rows: Sequence[int]) -> PictureColumn:
    """Find the pictures of *rows*, whose paths are from *folder*, that of the table."""
    paths: dict[int, Path] = {}
    skipped, missing = [], 0
    for row in rows:
        cell = table.columns[name][row]
        if is_gap(cell, dialect, "category"):
            missing += 1
            continue
        path = _path(folder, cell)
        if problem := path if isinstance(path, str) else _problem(path):
            skipped.append(f"{table.file}, row {row + 1}, column {quoted(name)}: {quoted(cell)}: {problem}")
        elif isinstance(path, Path):
            paths[row] = path
    return PictureColumn(paths, tuple(skipped), missing)


def _problem(path: Path) -> str:
    from training.data.photos import photo_problem  # imports Keras, which takes seconds: not for a look at a table

    return photo_problem(path)


def _path(folder: Path, cell: Any) -> Path | str:
    """Return the path that a cell names, or what is wrong with it: a table must not name files elsewhere."""
    if not isinstance(cell, str):
        return "expected the name of a file"
    try:
        path = (folder / cell.strip()).resolve()
        if Path(cell.strip()).is_absolute() or not path.is_relative_to(folder.resolve()):
            return "expected a file in the folder of the table, or below it"
        return path if path.is_file() else "expected a file, found none"
    except (OSError, ValueError, RuntimeError):
        return "expected the name of a file"


def guess_pictures(column: Column, folder: Path) -> Guess | None:
    """Return a field of pictures if nearly all cells are names of such, and one of the first is there."""
    names = [value for value in column.present if isinstance(value, str) and NAME.fullmatch(value)]
    if not names or len(names) < _LEAST_NAMES * len(column.present):
        return None
    if not any(isinstance(_path(folder, name), Path) for name in names[:20]):
        return None
    remark = f"files of pictures, such as {quoted(names[0])}; requests have what is in them"
    return Guess("image", remark, {"height": _SIDE, "width": _SIDE})
