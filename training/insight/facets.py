"""Facets: what can be counted of each field of some instances, such as a number itself or the length of a text."""

import itertools
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

import numpy as np

from training.data.instances import Instance
from training.insight.pictures import Look, look
from training.insight.scripts import script_of

LETTERS = 40
"""Where nobody says what a field is, texts that are longer than this on average are texts, and others categories."""


@dataclass(frozen=True, eq=False)
class Facet:
    """An *aspect* of a *field*, "" for the value itself: a number of each row, or any number of names.

    *numbers* is `float64[n]`, NaN where there is none; of dates, seconds since 1970. Rows without a value have no
    *names*. Only one of the two is there.
    """

    field: str
    aspect: str = ""
    numbers: np.ndarray | None = None
    names: Sequence[tuple[str, ...]] = ()
    is_date: bool = False

    @property
    def title(self) -> str:
        """What it is called: the field, and which aspect of it."""
        return f"{self.field}: {self.aspect}" if self.aspect else self.field

    @property
    def missing(self) -> np.ndarray:
        """Which rows have no value: `bool[n]`."""
        return np.array([not each for each in self.names]) if self.numbers is None else np.isnan(self.numbers)


def facets(instances: Iterable[Instance], kinds: Mapping[str, str]) -> list[Facet]:
    """Return the facets of all fields, in their order; *kinds* are those of contracts, guessed for other fields.

    Instances are read once. Of a picture nothing but how it looks is kept.
    """
    columns: dict[str, list[Any]] = {}
    for row, instance in enumerate(instances):
        for name in instance:
            if name not in columns:
                columns[name] = [None] * row
        for name, values in columns.items():
            value = instance.get(name)
            values.append(look(value) if isinstance(value, bytes) else value)
    return [facet for name, values in columns.items() for facet in _of(name, values, kinds.get(name, ""))]


def of_targets(targets: np.ndarray, names: Sequence[str], title: str) -> list[Facet]:
    """Return the facets of targets: of classes or tags by their *names*, of several numbers one each."""
    if targets.ndim == 2 and targets.shape[1] > 1 and not np.isin(targets, (0, 1)).all():
        return [Facet(title, name, column.astype(float)) for name, column in zip(names, targets.T, strict=True)]
    if targets.ndim == 2 and targets.shape[1] > 1:
        chosen = [tuple(itertools.compress(names, row)) for row in targets.astype(bool)]
        return [Facet(title, names=chosen)]
    flat = targets.reshape(-1)
    if names:
        return [Facet(title, names=[(names[int(each)],) for each in flat])]
    return [Facet(title, numbers=flat.astype(float))]


def _of(name: str, values: Sequence[Any], kind: str) -> list[Facet]:
    known = [value for value in values if value is not None]
    if not known:
        return []
    if any(isinstance(value, Look) for value in known):
        return _of_pictures(name, values)
    if isinstance(known[0], list | tuple | np.ndarray):
        return _of_lists(name, values)
    texts = [value for value in known if isinstance(value, str)]
    if kind == "text" or (kind in ("", "raw") and sum(map(len, texts)) > LETTERS * len(known)):
        return _of_texts(name, values)
    if kind == "date":
        return [Facet(name, numbers=np.array([_seconds(value) for value in values]), is_date=True)]
    if kind == "category" or (kind != "number" and texts):
        return [Facet(name, names=[() if _is_gap(value) else (str(value),) for value in values])]
    return [Facet(name, numbers=_numbers(values))]


def _of_pictures(name: str, values: Sequence[Any]) -> list[Facet]:
    looks = [value if isinstance(value, Look) else Look() for value in values]
    return [
        Facet(name, "brightness", np.array([each.brightness for each in looks])),
        Facet(name, "pixels", np.array([each.pixels for each in looks])),
    ]


def _of_texts(name: str, values: Sequence[Any]) -> list[Facet]:
    length = np.array([math.nan if _is_gap(value) else len(str(value)) for value in values])
    scripts = [() if _is_gap(value) else (script_of(str(value)),) for value in values]
    several = [Facet(name, "script", names=scripts)] if len(set(scripts) - {()}) > 1 else []
    return [Facet(name, "characters", length), *several]


def _of_lists(name: str, values: Sequence[Any]) -> list[Facet]:
    """Return the facets of tags, or of arrays of numbers: their length and mean."""
    items = [() if value is None else np.ravel(np.asarray(value, object)).tolist() for value in values]
    if any(isinstance(item, str) for item in itertools.chain.from_iterable(items)):
        return [Facet(name, names=[tuple(map(str, each)) for each in items])]
    length = np.array([len(each) or math.nan for each in items], float)
    numbers = [_numbers(each) for each in items]
    mean = np.array([np.nanmean(each) if np.isfinite(each).any() else math.nan for each in numbers])
    return [Facet(name, "mean", mean), Facet(name, "values", length)]


def _numbers(values: Iterable[Any]) -> np.ndarray:
    return np.array([math.nan if _is_gap(value) else _number(value) for value in values], np.float64)


def _number(value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan
    return number if math.isfinite(number) else math.nan


def _seconds(value: Any) -> float:
    try:
        read = datetime.fromisoformat(value) if isinstance(value, str) else value
        if isinstance(read, date) and not isinstance(read, datetime):
            read = datetime.combine(read, time())
        return float((read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp())
    except (AttributeError, TypeError, ValueError, OverflowError):
        return math.nan


def _is_gap(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def frequent(names: Sequence[tuple[str, ...]], most: int) -> list[str]:
    """Return the most frequent names, at most so many; of equally frequent ones the first in order."""
    counts = Counter(itertools.chain.from_iterable(names))
    return sorted(counts, key=lambda name: (-counts[name], name))[:most]
