"""Fitting a tokenizer to the texts of training."""

import inspect
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, Literal

import numpy as np

from serving.contract.encoders.fitting import PlainColumn, meaning_of_missing, refuse
from serving.contract.encoders.tokenizers.kinds import FITS
from serving.contract.encoders.tokenizers.tokenizer import Tokenizer
from serving.contract.faults import Faults, shown

_MOST_LENGTH = 1_000
_ENOUGH = 10_000
"""Of more texts than twice this, every second, third, ... is taken: all would tell no more, and take longer."""

Missing = Literal["error", "empty"]
"""Whether a text that is missing or blank is a fault, or a text without words."""


class ReadableTexts:
    """The texts that are not missing; a blank one counts as missing."""

    def __init__(self, column: PlainColumn) -> None:
        self._column = column

    def __iter__(self) -> Iterator[str]:
        return (text for _, text in self.rows() if text is not None)

    def rows(self) -> Iterator[tuple[int, Any]]:
        """Yield the number of each row with its text, or None."""
        return ((row, None if isinstance(text, str) and not text.strip() else text) for row, text in self._column)


def readable_texts(texts: Iterable[Any], missing: Missing | None) -> tuple[ReadableTexts, Missing]:
    """Return the texts that are not missing, and what a missing one means.

    Raises ValueError for what is no text, and a missing one if *missing* is "error".
    """
    readable = ReadableTexts(PlainColumn(texts))
    has_gap = missing is None and any(text is None for _, text in readable.rows())
    meaning: Missing = meaning_of_missing(missing, has_gap, seen="empty", unseen="error")
    faults = Faults()
    for row, text in readable.rows():
        if not isinstance(text, str) and (text is not None or meaning == "error"):
            faults.add(row, "a string that is not empty", shown(text))
    refuse(faults)
    return readable, meaning


def fit_tokenizer(kind: str, texts: Iterable[str], options: Mapping[str, Any]) -> Tokenizer:
    """Fit a tokenizer of *kind* to *texts*; raises ValueError for a kind or an option that there is not."""
    if kind not in FITS:
        raise ValueError(f"tokenizer: expected one of {', '.join(FITS)}, got {kind!r}")
    fit = FITS[kind]
    known = [name for name, it in inspect.signature(fit).parameters.items() if it.kind is it.KEYWORD_ONLY]
    for option in options.keys() - known:
        raise ValueError(f"tokenizer {kind}: expected options among {', '.join(known)}, got {option!r}")
    return fit(texts, **options)


def length_for(tokenizer: Tokenizer, texts: Iterable[str]) -> int:
    """Return how many ids leave 95 of 100 texts whole, at most 1,000."""
    some = islice(texts, 0, None, max(1, sum(1 for _ in texts) // _ENOUGH))
    lengths = [len(tokenizer.read(text, _MOST_LENGTH, "beginning")[0]) for text in some]
    return max(1, int(np.quantile(lengths, 0.95, method="higher"))) if lengths else 1
