"""Records of any fields, fitted to training instances only."""

import itertools
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from operator import ne
from typing import Any

import numpy as np

from serving.contract import Input, Record
from serving.contract.encoders import Category, Encoder, NumberArray, Raw, Tags
from serving.contract.encoders.fitting import plain_values
from serving.contract.faults import Faults
from training.data.datasets import Dataset, Instance
from training.data.instances import MOST, Lazy, Numbers, Selected, walk
from training.errors import BadRequest

TABLE = "features"
"""The input that has the numbers, one-hots and multi-hots of a record, side by side."""

_PLAIN, _OTHER = re.compile("[A-Za-z][A-Za-z0-9_]*"), re.compile("[^A-Za-z0-9]+")

_SIMPLE = {int, str, bool, bytes, float}
"""Types of which only NaN is a gap, which alone differs from itself."""

FitEncoder = Callable[..., Encoder]
"""Fits an encoder to a column of values, such as `Number.fit`; options are bound with `functools.partial`."""


def record_fitter(fields: Mapping[str, FitEncoder | Encoder]) -> Callable[[Dataset, Sequence[Instance], Any], Record]:
    """Return a task's `fit`: it fits a record of *fields*, each with what fits its encoder, or a finished encoder.

    A field may be missing where any training row of the data misses it, absent, None or NaN, even if a fold's own rows
    don't; a category that only a fold's other rows have counts as unknown there. Numbers, one-hots and multi-hots are
    packed into the input `features`; any other field is an input of its own name, or of one like it. The function
    raises BadRequest.
    """

    def fit(data: Dataset, instances: Sequence[Instance], recipe: Any) -> Record:
        encoders = {
            name: _fitted(name, fit_encoder, data, instances) if callable(fit_encoder) else fit_encoder
            for name, fit_encoder in fields.items()
        }
        return Record(encoders, _inputs(encoders))

    return fit


def is_gap(value: Any) -> bool:
    """Return whether a value of a training row is missing, or a number in an array."""
    if isinstance(value, list | tuple):
        kinds = set(map(type, value))
        return any(map(ne, value, value)) if kinds <= _SIMPLE else any(map(is_gap, value))
    return value is None or (isinstance(value, float) and value != value)


def _fitted(name: str, fit_encoder: FitEncoder, data: Dataset, instances: Sequence[Instance]) -> Encoder:
    values, whole = column(name, instances), column(name, data.train.instances)
    if has_gap(whole) and not has_gap(values):
        values = _WithGap(values)
    try:
        encoder = fit_encoder(values)
        if isinstance(encoder, Category | Tags) and not _reads(encoder, whole):
            encoder = fit_encoder(values, unknown="bucket")
    except (ValueError, TypeError) as error:
        raise BadRequest(f"field '{name}': {_by_row_of_the_data(fit_encoder, whole, error)}") from error
    return encoder


def column(name: str, instances: Sequence[Instance]) -> Lazy[Any]:
    """Return the values that *instances* have in a field, None where one is missing."""
    return _Plain(Selected(instances, range(len(instances))).column(name))


def has_gap(values: Sequence[Any]) -> bool:
    """Return whether any value of a column is a gap, or has one."""
    return any(is_gap(value) for _, piece in walk(values) for value in piece)


class _Plain(Lazy[Any]):
    """A column in Python's own values."""

    def __init__(self, values: Lazy[Any]) -> None:
        self._values = values
        self.piece = values.piece

    def __len__(self) -> int:
        return len(self._values)

    def take(self, rows: Numbers) -> Sequence[Any]:
        return plain_values(self._values.take(rows))

    def pieces(self, most: int = MOST) -> Iterator[tuple[Numbers, Sequence[Any]]]:
        return ((rows, plain_values(piece)) for rows, piece in self._values.pieces(most))


class _WithGap(Lazy[Any]):
    """A column with one more value, which is missing: an encoder takes what is missing only where it has seen it."""

    def __init__(self, values: Lazy[Any]) -> None:
        self._values = values
        self.piece = values.piece

    def __len__(self) -> int:
        return len(self._values) + 1

    def take(self, rows: Numbers) -> Sequence[Any]:
        last = len(self._values)
        taken = iter(self._values.take(rows[rows < last]))
        return [next(taken) if row < last else None for row in rows.tolist()]

    def pieces(self, most: int = MOST) -> Iterator[tuple[Numbers, Sequence[Any]]]:
        yield from self._values.pieces(most)
        yield np.array([len(self._values)]), [None]


def _reads(encoder: Encoder, values: Sequence[Any]) -> bool:
    faults = Faults()
    for _, piece in walk(values):
        encoder.read(piece, faults)
        if faults.count:
            return False
    return True


def _by_row_of_the_data(fit_encoder: FitEncoder, whole: Sequence[Any], error: Exception) -> Exception:
    """Return the error with the number that its row has in the data: a fold's rows are shuffled."""
    try:
        fit_encoder(whole)
    except (ValueError, TypeError) as told:
        return told
    return error


def _inputs(encoders: Mapping[str, Encoder]) -> tuple[Input, ...]:
    packed = tuple(name for name, encoder in encoders.items() if _is_packed(encoder))
    alone = [name for name in encoders if name not in packed]
    if packed and TABLE in alone:
        raise BadRequest(f"field '{TABLE}': this name is taken by the input of numbers and categories: choose another")
    inputs = {name: name for name in alone if _PLAIN.fullmatch(name)}
    for name in alone:
        inputs.setdefault(name, _plain_name(name, {TABLE, *inputs.values()}))
    return (*([Input(TABLE, packed)] if packed else []), *(Input(inputs[name], (name,)) for name in alone))


def _plain_name(field: str, taken: Collection[str]) -> str:
    """Return a name for the input of *field* that Keras and a SavedModel's signature take: any field may come alone."""
    like = f"field_{_OTHER.sub('_', field).strip('_')}".rstrip("_")
    numbered = (f"{like}_{number}" for number in itertools.count(2))
    return next(name for name in itertools.chain([like], numbered) if name not in taken)


def _is_packed(encoder: Encoder) -> bool:
    block = encoder.block
    return block.dtype == "float32" and len(block.shape) == 2 and not isinstance(encoder, NumberArray | Raw)
