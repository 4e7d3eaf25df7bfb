"""Answers -> the bytes of an output: a module for CSV and JSON lines, and the choice among all formats.

What a worker encodes is a piece that can be put behind another: text, each piece compressed for itself, or a record
batch. A part is pieces, and the output is parts.
"""

import csv
import gzip
import io
import os
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any, BinaryIO, Protocol

import orjson

from serving.batch.errors import BadInput
from serving.batch.extras import extra
from serving.batch.writers.parquet_output import ParquetWriter
from serving.contract.outputs import Labels, Output

ROW_ID = "row_id"
TRAILING = ("model", "version", "contract")
_LEVEL = 6


class Writer(Protocol):
    """Picklable."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the output's columns."""
        ...

    def encode(self, ids: Sequence[str], kept: Sequence[Sequence[Any]], answers: Sequence[Mapping[str, Any]]) -> Any:
        """Make a piece of the output."""
        ...

    def write_part(self, pieces: Iterable[Any], file: BinaryIO) -> None:
        """Write a part."""
        ...

    def write_output(self, parts: Iterable[BinaryIO], file: BinaryIO) -> None:
        """Write the output, of open parts."""
        ...


@dataclass(frozen=True)
class _Text:
    """What CSV and JSON lines share. *constants* end each row: model, version and contract."""

    keep: tuple[str, ...]
    answer: tuple[str, ...]
    constants: tuple[Any, ...]
    compression: str

    @property
    def columns(self) -> tuple[str, ...]:
        return (ROW_ID, *self.keep, *self.answer, *TRAILING)

    def write_part(self, pieces: Iterable[bytes], file: BinaryIO) -> None:
        for piece in pieces:
            file.write(piece)

    def write_output(self, parts: Iterable[BinaryIO], file: BinaryIO) -> None:
        file.write(self._header())
        for part in parts:
            shutil.copyfileobj(part, file, 1 << 20)

    def _header(self) -> bytes:
        return b""


class JsonlWriter(_Text):
    """An object a line."""

    def encode(self, ids: Sequence[str], kept: Sequence[Sequence[Any]], answers: Sequence[Mapping[str, Any]]) -> bytes:
        """Make lines."""
        constants = dict(zip(TRAILING, self.constants, strict=True))
        lines = [
            orjson.dumps(
                {ROW_ID: row_id, **dict(zip(self.keep, values, strict=True)), **answer, **constants},
                default=str,
                option=orjson.OPT_APPEND_NEWLINE,
            )
            for row_id, values, answer in zip(ids, kept, answers, strict=True)
        ]
        return compress(b"".join(lines), self.compression)


class CsvWriter(_Text):
    """A line a row, below a header; the scores by label are a JSON object."""

    def encode(self, ids: Sequence[str], kept: Sequence[Sequence[Any]], answers: Sequence[Mapping[str, Any]]) -> bytes:
        """Make lines, quoted where needed."""
        text = io.StringIO()
        passing = ([_cell(values[index]) for values in kept] for index in range(len(self.keep)))
        answered = (_answers(name, answers) for name in self.answer)
        rows = zip(ids, *passing, *answered, *map(repeat, self.constants), strict=False)  # what repeats has no end
        csv.writer(text, lineterminator="\n").writerows(rows)
        return compress(text.getvalue().encode(), self.compression)

    def _header(self) -> bytes:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerow(self.columns)
        return compress(text.getvalue().encode(), self.compression)


def answer_columns(output: Output) -> tuple[str, ...]:
    """Name the columns of an answer."""
    return ("label", "score", "scores") if isinstance(output, Labels) else ("value", "unit")


def make_writer(
    output: str, answer: tuple[str, ...], keep: tuple[str, ...], types: str, constants: tuple[str, int, str]
) -> "JsonlWriter | CsvWriter | ParquetWriter":
    """Choose by the name of *output*; *types* has the Parquet types of *keep*, or nothing. Raises BadInput."""
    stem, suffix = os.path.splitext(output)
    compression = {".gz": "gz", ".zst": "zst"}.get(suffix, "")
    if compression:
        suffix = os.path.splitext(stem)[1]
    taken = set(keep) & {ROW_ID, *answer, *TRAILING}
    if taken:
        raise BadInput(f"--keep {min(taken)}: the output has a column of that name")
    if suffix == ".parquet" and not compression:
        return ParquetWriter(keep, types, answer, constants)
    kinds: dict[str, Callable[..., JsonlWriter | CsvWriter]] = {".jsonl": JsonlWriter, ".csv": CsvWriter}
    if suffix not in kinds:
        raise BadInput(f"--output {output}: expected .csv, .jsonl (also with .gz or .zst) or .parquet at its end")
    if compression == "zst":
        extra("pyarrow", ".zst")
    return kinds[suffix](keep, answer, constants, compression)


def writer_name(writer: Writer) -> str:
    """Say what makes the bytes, as another release of it may make others."""
    if isinstance(writer, ParquetWriter):
        return f"parquet by pyarrow {extra('pyarrow', 'Parquet').__version__}"
    return type(writer).__name__.removesuffix("Writer").lower()


def compress(data: bytes, compression: str) -> bytes:
    """Make a stream of its own of *data*: such streams can be put one behind the other."""
    if not data or not compression:
        return data
    if compression == "gz":
        return gzip.compress(data, _LEVEL, mtime=0)
    packed: bytes = extra("pyarrow", ".zst").compress(data, codec="zstd", asbytes=True)
    return packed


def _answers(name: str, answers: Sequence[Mapping[str, Any]]) -> list[Any]:
    if name == "scores":
        return [orjson.dumps(answer[name]).decode() for answer in answers]
    return [answer[name] for answer in answers]


def _cell(value: Any) -> Any:
    if isinstance(value, str | int | float) or value is None:
        return value
    return orjson.dumps(value, default=str).decode()
