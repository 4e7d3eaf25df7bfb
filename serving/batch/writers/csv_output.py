"""Answers -> CSV."""

import csv
import io
from collections.abc import Mapping, Sequence
from itertools import repeat
from typing import Any, Literal

import orjson

from serving.batch import reasons
from serving.batch.compression import compressed
from serving.batch.writers.text_output import TextOutput
from serving.contract.heads.head import ColumnType


class CsvWriter(TextOutput):
    """One line per row, below a header; the scores by label are a JSON object, reasons are a text."""

    made_by = "csv"

    def encode(self, ids: Sequence[str], kept: Sequence[Sequence[Any]], answers: Sequence[Mapping[str, Any]]) -> bytes:
        """Make lines, quoted where needed."""
        text = io.StringIO()
        passing = ([_cell(values[index]) for values in kept] for index in range(len(self.keep)))
        answered = (_answers(name, kind, answers) for name, kind in self.answer)
        rows = zip(ids, *passing, *answered, *map(repeat, self.constants), strict=False)  # what repeats has no end
        csv.writer(text, lineterminator="\n").writerows(rows)
        return compressed(text.getvalue().encode(), self.compression)

    def _header(self) -> bytes:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerow(self.columns)
        return compressed(text.getvalue().encode(), self.compression)


def _answers(name: str, kind: ColumnType | Literal["reasons"], answers: Sequence[Mapping[str, Any]]) -> list[Any]:
    if kind == "reasons":
        return [reasons.as_text(answer[name]) for answer in answers]
    if kind in ("text", "number"):
        return [answer[name] for answer in answers]
    return [orjson.dumps(answer[name]).decode() for answer in answers]


def _cell(value: Any) -> Any:
    if isinstance(value, str | int | float) or value is None:
        return value
    return orjson.dumps(value, default=str).decode()
