"""The answers that a scored file has, measured as those of requests are."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson

from serving.contract import Answers, Measures
from serving.contract.heads import Head, Interval, Labels, TagSet, Value, Values, Vector

Row = Mapping[str, Any]
"""An answer's columns as a file has them: CSV has texts, and JSON in them for what is no text or number."""


class UnreadableAnswer(Exception):
    """A cell does not hold what it should of an answer."""


@dataclass(frozen=True)
class _Kind:
    """The *columns* that are read of a head, and the *numbers* and *names* that are measured of a row."""

    columns: tuple[str, ...]
    numbers: Callable[[Any, Row], Sequence[float]]
    names: Callable[[Row], Sequence[str]] = lambda row: ()


_KINDS: Mapping[type[Head], _Kind] = {
    Labels: _Kind(("label", "score"), lambda head, row: [_number(row["score"])], lambda row: [row["label"]]),
    TagSet: _Kind(
        ("tags", "scores"),
        lambda head, row: [max(map(_number, _json(row["scores"]).values())), len(_json(row["tags"]))],
        lambda row: _json(row["tags"]),
    ),
    Value: _Kind(("value",), lambda head, row: [_number(row["value"])]),
    Values: _Kind(("values",), lambda head, row: [_number(_json(row["values"])[name]) for name in head.names]),
    Interval: _Kind(
        ("value", "low", "high"), lambda head, row: [_number(row["value"]), _number(row["high"]) - _number(row["low"])]
    ),
    Vector: _Kind(("vector",), lambda head, row: [math.hypot(*map(_number, _json(row["vector"])))]),
}
"""By head; the answers of a kind that comes from a package of its own are not measured in files."""


def answer_columns(answers: Answers) -> tuple[str, ...]:
    """Return the columns of a scored file by which its answers are measured; none if a head is of an unknown kind."""
    if not all(type(head) in _KINDS for head in answers.heads.values()):
        return ()
    return tuple(f"{before}{name}" for before, head in _before(answers) for name in _KINDS[type(head)].columns)


def measure_row(answers: Answers, row: Row) -> tuple[list[float], list[Sequence[str]]]:
    """Return the numbers that are measured of a row, and for each head its names; raises UnreadableAnswer."""
    numbers, names = list[float](), list[Sequence[str]]()
    for before, head in _before(answers):
        kind = _KINDS[type(head)]
        own = {name: row[f"{before}{name}"] for name in kind.columns}
        try:
            numbers += kind.numbers(head, own)
            names.append(kind.names(own))
        except (TypeError, ValueError, KeyError, AttributeError) as error:
            got = ", ".join(f"{name} {str(value)[:40]!r}" for name, value in own.items())
            raise UnreadableAnswer(f"expected an answer as scoring writes it, got {got}") from error
    return numbers, names


def as_measures(answers: Answers, rows: Sequence[tuple[list[float], list[Sequence[str]]]]) -> Measures:
    """Join what `measure_row` returned of rows."""
    values = np.array([numbers for numbers, _ in rows], np.float64).reshape(len(rows), len(answers.measures))
    totals: dict[str, np.ndarray[Any, Any]] = {}
    for place, (before, head) in enumerate(_before(answers)):
        for total, bins in head.categories(before.removesuffix("_")).items():
            given = [name for _, names in rows for name in names[place]]
            totals[total] = np.array([given.count(name) for name in bins], np.float64)
    return Measures(values, totals)


def _before(answers: Answers) -> Iterator[tuple[str, Head]]:
    """Yield each head with what stands before its columns' names."""
    return (("" if answers.only else f"{name}_", head) for name, head in answers.heads.items())


def _number(cell: Any) -> float:
    try:
        return float(cell)
    except (TypeError, ValueError):
        raise UnreadableAnswer(f"expected a number as the answer, got {str(cell)[:40]!r}") from None


def _json(cell: Any) -> Any:
    return orjson.loads(cell) if isinstance(cell, str) else cell
