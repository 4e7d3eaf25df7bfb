"""What stands for a field that is left out: training's typical value, as the contract knows it."""

import math
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from serving.contract import Contract
from serving.contract.encoders import Category, Date, Encoder, Tags
from serving.contract.encoders.text import Texts
from serving.contract.faults import Faults
from serving.contract.reference import Continuous

_BLANKS = ("", " ", "\u00a0", "\u200b", ".", "?")
"""Texts without words, one of which each tokenizer takes for none; tried in this order."""
_HALF = 0.45
"""Of the rows of training, somewhat less than half: bins of equally many are never quite equal."""


def blank(encoder: Encoder) -> str | None:
    """Return the text without words that the encoder of a text takes for the least; None if it takes none of them."""
    taken = [text for text in _BLANKS if accepts(encoder, text)]
    return min(taken, key=lambda text: _tokens(encoder, text), default=None)


def typical(contract: Contract, field: str, value: Any) -> Any:
    """Return what stands for the *value* of a field: the median or the most frequent one of training.

    For lists of tags that is none; for what has neither, the value of the contract's example.
    """
    encoder = contract.record.fields[field]
    if isinstance(encoder, Tags):
        found: Any = []
    elif isinstance(encoder, Category):
        found = _most_frequent(contract, field, encoder)
    else:
        found = _median(contract, field, encoder, value)
    example = contract.examples[0].instance.get(field)
    return found if found is not None and accepts(encoder, found) else example


def accepts(encoder: Encoder, value: Any) -> bool:
    """Return whether the encoder takes *value*."""
    faults = Faults()
    encoder.read([value], faults)
    return not faults.count


def _tokens(encoder: Encoder, text: str) -> tuple[float, ...]:
    """Return how many tokens of a text are known, and how many it has."""
    column = encoder.read([text], Faults())
    return (column.counts[0][1], column.counts[0][0]) if isinstance(column, Texts) else ()


def _most_frequent(contract: Contract, field: str, encoder: Category) -> Any:
    values, names = encoder.vocabulary.values, encoder.vocabulary.names
    totals = contract.reference.totals if contract.reference else ()
    counts = next((total.counts for total in totals if total.name == field and total.bins == names), ())
    named = range(min(len(values), len(counts)))  # behind them are those for other and missing values
    return values[max(named, key=counts.__getitem__, default=0)]


def _median(contract: Contract, field: str, encoder: Encoder, value: Any) -> Any:
    column = _column(contract, field, encoder)
    if column is None:
        return None
    median = _middle(column)
    if isinstance(encoder, Date):
        with suppress(OverflowError):
            return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=math.floor(median))).date().isoformat()
        return None
    return int(median) if isinstance(value, int) and median.is_integer() else median


def _column(contract: Contract, field: str, encoder: Encoder) -> Continuous | None:
    """Return what is known of the numbers of a field, if they are what is measured of it."""
    if contract.reference is None or encoder.measures(field) != (field,) or encoder.value_shape != ():
        return None
    return contract.reference.columns[contract.record.columns[field].start]


def _middle(column: Continuous) -> float:
    """Return the end of the bin that holds the median: a number that training had."""
    total, seen = sum(column.counts), 0.0
    for end, count in zip(column.edges, column.counts, strict=False):
        seen += count
        if seen >= _HALF * total:
            return end
    return column.high
