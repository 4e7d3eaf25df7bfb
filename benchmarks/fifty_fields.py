"""A record of 50 mixed fields, the rows of it, and our contract's record that is fitted to them.

Their order is mixed as well, as that of a table's columns is: fields of one kind seldom follow each other.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from serving.contract import Input, Record
from serving.contract.encoders import Category, Date, Encoder, Number, NumberArray, Raw, Tags, Text
from serving.contract.faults import Faults

Row = dict[str, Any]
DATE_PARTS = ("days", "day_of_year", "weekday")
TIME_PARTS = (*DATE_PARTS, "time_of_day")
ZONE = "Europe/Berlin"
_SEED = 1
_BEGIN = datetime(2020, 1, 1, tzinfo=UTC)
_SHARE_MISSING = 0.05
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Kind:
    """Some fields of one kind: *count* of them, whose values are what *draw* draws; *fit* makes an encoder of a column.

    *apart* means that each is an input of its own, and *gaps* that a value may be missing.
    """

    name: str
    count: int
    fit: Callable[..., Encoder]
    draw: Callable[[Random], Any]
    options: Mapping[str, Any] = field(default_factory=dict)
    apart: bool = False
    gaps: bool = False

    @property
    def fields(self) -> list[str]:
        """The fields' names."""
        return [f"{self.name}_{number}" for number in range(self.count)]

    def value(self, chance: Random) -> Any:
        """Draw a value, or that there is none."""
        return None if self.gaps and chance.random() < _SHARE_MISSING else self.draw(chance)


def _word(number: int) -> str:
    """Return a word for a number, by Zipf's law for numbers that are drawn so."""
    return "".join(_LETTERS[number // 26**place % 26] for place in range(5))


def _rank(chance: Random, count: int) -> int:
    return int(count ** chance.random()) - 1


def _amount(chance: Random) -> float:
    return round(chance.gauss(50, 20), 3)


def _skewed(chance: Random) -> float:
    return round(chance.lognormvariate(3, 2), 2)


def _category(count: int) -> Callable[[Random], str]:
    return lambda chance: f"value {_word(_rank(chance, count))}"


def _moment(chance: Random) -> datetime:
    return _BEGIN + timedelta(seconds=chance.randrange(5 * 365 * 86_400))


def _tags(chance: Random) -> list[str]:
    return chance.sample([_word(number) for number in range(20)], chance.randrange(5))


def _text(chance: Random) -> str:
    return " ".join(_word(_rank(chance, 5_000)) for _ in range(chance.randrange(5, 25))).capitalize() + "."


KINDS = (
    Kind("standard", 7, Number.fit, _amount),
    Kind("minmax", 3, Number.fit, _amount, {"scale": "minmax"}),
    Kind("log", 2, Number.fit, _skewed, {"scale": "log"}),
    Kind("quantile", 2, Number.fit, _skewed, {"scale": "quantile"}),
    Kind("flagged", 4, Number.fit, _amount, {"missing": "mean", "flag": True}, gaps=True),
    Kind("filled", 3, Number.fit, _amount, {"missing": "median"}, gaps=True),
    Kind("onehot", 7, Category.fit, _category(12)),
    Kind("optional", 2, Category.fit, _category(8), gaps=True),
    Kind("whole", 2, Category.fit, lambda chance: chance.randrange(1, 6)),
    Kind("truth", 1, Category.fit, lambda chance: chance.random() < 0.3),
    Kind("rare", 2, Category.fit, _category(400), {"least_count": 20, "unknown": "bucket"}),
    Kind("id", 1, Category.fit, _category(1_000), {"output": "id", "least_count": 2, "unknown": "bucket"}, apart=True),
    Kind("tags", 3, Tags.fit, _tags),
    Kind("date", 2, Date.fit, lambda chance: f"{_moment(chance):%Y-%m-%d}", {"parts": DATE_PARTS}),
    Kind("time", 2, Date.fit, lambda chance: f"{_moment(chance):%FT%TZ}", {"parts": TIME_PARTS, "zone": ZONE}),
    Kind("text", 3, Text.fit, _text, {"tokenizer": "unicode", "length": 32}, apart=True),
    Kind("series", 2, NumberArray.fit, lambda chance: [_amount(chance) for _ in range(24)], apart=True),
    Kind("raw", 2, Raw.fit, lambda chance: [_amount(chance) for _ in range(4)], {"dtype": "float32"}, apart=True),
)
"""21 numbers, 7 of them with gaps; 15 categories, of strings, whole numbers and truth values; 3 lists of tags; 4 dates;
3 texts of 5 to 24 words; 2 arrays of 24 numbers and 2 raw ones of 4."""

PACKED = "features"
"""The input in which all blocks of float32 stand that are not apart."""


def training_rows(count: int = 4_000) -> list[Row]:
    """Return the rows that both ways are fitted to."""
    return _rows(Random(_SEED), count)  # noqa: S311 - nothing secret


def later_rows(count: int) -> str:
    """Return other rows as JSON, without tags that training had not."""
    return json.dumps(_rows(Random(_SEED + 1), count))  # noqa: S311


def fitted_record(rows: Sequence[Row]) -> Record:
    """Return the record of *rows*."""
    kinds = {name: kind for kind in KINDS for name in kind.fields}
    fields = {name: kinds[name].fit([row[name] for row in rows], **dict(kinds[name].options)) for name in rows[0]}
    packed = Input(PACKED, tuple(name for name in fields if not kinds[name].apart))
    return Record(fields, (packed, *(Input(name, (name,)) for name in fields if kinds[name].apart)))


def encoded(record: Record, rows: Sequence[Row]) -> dict[str, Any]:
    """Check, read and encode *rows* as a gateway does. Raises ValueError."""
    faults = Faults()
    read = record.read(rows, faults)
    if faults.count:
        raise ValueError(f"expected rows without a fault, got {faults.first[0]}")
    return record.encode(read)


def _rows(chance: Random, count: int) -> list[Row]:
    kinds = [(name, kind) for kind in KINDS for name in kind.fields]
    Random(_SEED).shuffle(kinds)  # noqa: S311
    return [{name: kind.value(chance) for name, kind in kinds} for _ in range(count)]
