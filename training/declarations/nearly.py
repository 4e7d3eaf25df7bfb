"""Texts that were likely meant as numbers or dates: what keeps them from being read as such."""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import islice

from training.declarations.cells import number_of
from training.declarations.columns import DATE_FORMATS, Column, has_format
from training.declarations.words import quoted

_MOST_OTHERS = 0.1
"""Up to this share of the rows, values of another kind are rather mistakes, or words for a gap."""
_FIRST = 100
"""So many values are enough to see that a column is of texts indeed."""
_MARKED = re.compile(r"[+-]?[€$£¥]?\s?[+-]?\d{1,3}([., '\u00a0\u202f\u2019]?\d{3})*([.,]\d+)?\s?[%€$£¥]?")
"""A number with marks between thousands, or a sign of percent or of a currency."""


def doubt(column: Column) -> str:
    """Return what keeps a column of texts from being one of numbers or dates, as the end of a remark, or ""."""
    counts = {str(value): count for value, count in column.counts.items()}
    notes = (_but_for(counts, kind, test) for kind, test in _tests())
    return next(filter(None, notes), "") or _marked(counts)


def _tests() -> Iterator[tuple[str, Callable[[str], bool]]]:
    yield "numbers", lambda text: number_of(text, ".") is not None
    yield "numbers with a decimal comma", lambda text: number_of(text, ",") is not None
    for format in DATE_FORMATS:
        yield f"dates like {format}", partial(_is_date, format=format)


def _is_date(text: str, format: str) -> bool:
    return has_format(text.strip(), format)


def _but_for(counts: Mapping[str, int], kind: str, test: Callable[[str], bool]) -> str:
    first = [*islice(counts, _FIRST)]
    if 2 * sum(map(test, first)) < len(first):
        return ""
    others = [text for text in counts if not test(text)]
    rows, most = sum(counts[text] for text in others), sum(counts.values())
    if not 0 < rows <= _MOST_OTHERS * most:
        return ""
    more = f" and {len(others) - 1:,} more" if len(others) > 1 else ""
    return (
        f"; all but {rows:,} are {kind}: if these are meant, correct or empty {quoted(others[0], 30)}{more} in the file"
    )


def _marked(counts: Mapping[str, int]) -> str:
    texts = [text.strip() for text in counts]
    example = next((text for text in texts if not text.isdigit()), "")
    if not example or not all(map(_MARKED.fullmatch, texts)):
        return ""
    return (
        f"; if numbers are meant, write such as {quoted(example, 30)} without marks of thousands, percent or currency"
    )
