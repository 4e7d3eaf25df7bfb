"""Texts: a column of them -> ids of a fixed length, by one of several tokenizers."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, get_args

import numpy as np

from serving.contract import states
from serving.contract.arrays import Array, TensorSpec
from serving.contract.encoders.encoder import Control, Datatype
from serving.contract.encoders.text_fitting import Missing, fit_tokenizer, length_for, readable_texts
from serving.contract.encoders.tokenizers.buckets import BUCKETS
from serving.contract.encoders.tokenizers.kinds import tokenizer_from_json, tokenizer_to_json
from serving.contract.encoders.tokenizers.tokenizer import Keep, Tokenizer, Tokens
from serving.contract.faults import Faults, shown
from serving.contract.instance_limits import InstanceLimits
from serving.contract.places import place
from serving.contract.reference import Measures

MOST_LENGTH = 1_000_000
_BLANK, _BLANK_PATTERN = " \t\n\r", " \\t\\n\\r"  # spelt out: not all dialects of patterns agree on \\s


@dataclass(frozen=True, eq=False)  # arrays have no single truth of equality
class Texts:
    """A column of texts: the *block* of their ids, of which at most *longest* are no padding in a row.

    *counts* has for each text the number of all its tokens, and of those that the tokenizer knows. The ids stand in the
    block at once: lists of them, kept until all texts are read, would leave the processor's caches meanwhile.
    """

    block: Array
    longest: int
    counts: Sequence[tuple[float, float]]

    def __len__(self) -> int:
        return len(self.counts)


@dataclass(frozen=True)
class Text:
    """Turns texts into `int32[batch, length]`, padded at the end; longer texts keep their beginning or their end.

    A text of more than *max_characters* is refused; so is one of nothing but spaces, tabs and line ends, unless
    *missing* says that it is empty.
    """

    tokenizer: Tokenizer
    length: int
    keep: Keep = "beginning"
    missing: Missing = "error"
    max_characters: int = 10_000_000
    kind: ClassVar[str] = "text"
    value_shape: ClassVar[tuple[int, ...]] = ()
    datatype: ClassVar[Datatype] = "BYTES"
    control: ClassVar[Control] = "text"

    def __post_init__(self) -> None:
        """Raise ValueError or TypeError for settings that there are not."""
        settings = {"length": self.length, "keep": self.keep, "missing": self.missing}
        states.whole(settings, "length", 1, MOST_LENGTH)
        states.choice(settings, "keep", get_args(Keep))
        states.choice(settings, "missing", get_args(Missing))

    @classmethod
    def fit(
        cls,
        texts: Iterable[Any],
        *,
        tokenizer: str = "unicode",
        length: int | None = None,
        keep: Keep = "beginning",
        missing: Missing | None = None,
        **options: Any,
    ) -> "Text":
        """Fit a *tokenizer* with its *options* to *texts*, None or NaN where one is missing.

        *length* is by default one that leaves 95 of 100 texts whole, at most 1,000; *missing* is by default "empty" if
        any is missing or blank. Raises ValueError for what is no text, and options that the tokenizer does not have.
        """
        readable, meaning = readable_texts(texts, missing)
        fitted = fit_tokenizer(tokenizer, readable, options)
        return cls(fitted, length_for(fitted, readable) if length is None else length, keep, meaning)

    @property
    def optional(self) -> bool:
        """Whether a text may be missing."""
        return self.missing == "empty"

    @property
    def block(self) -> TensorSpec:
        """The ids."""
        return TensorSpec("int32", (None, self.length))

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON schema of one text."""
        if self.optional:
            description = "a text; without one it counts as empty"
            return {"type": ["string", "null"], "maxLength": self.max_characters, "description": description}
        filled = {"minLength": 1, "maxLength": self.max_characters, "pattern": f"[^{_BLANK_PATTERN}]"}
        return {"type": "string", **filled, "description": "a text that is not empty"}

    def limited(self, limits: InstanceLimits) -> "Text":
        """Return the encoder that refuses longer texts."""
        return replace(self, max_characters=limits.text_characters)

    def read(self, values: Sequence[Any], faults: Faults) -> Texts:
        """Read a column: the ids of each text that are kept, and how many tokens it has."""
        block = np.zeros((len(values), self.length), np.int32)
        if self.tokenizer.padding:
            block.fill(self.tokenizer.padding)
        longest, counts = 0, []
        for row, value in enumerate(values):
            ids, tokens, known = self._read(row, value, faults)
            kept = len(ids)
            block[row, :kept] = ids
            longest = max(longest, kept)
            counts.append((tokens, known))
        return Texts(block, longest, counts)

    def _read(self, row: int, value: Any, faults: Faults) -> Tokens:
        if value is None and self.optional:
            return self.tokenizer.read("", self.length, self.keep)[0], math.nan, math.nan
        if not isinstance(value, str) or not (value.strip(_BLANK) or self.optional):
            faults.add(row, "a string" if self.optional else "a string that is not empty", shown(value))
        elif len(value) > self.max_characters:
            faults.add(row, f"at most {self.max_characters:,} characters", f"{len(value):,}")
        else:
            try:
                return self.tokenizer.read(value, self.length, self.keep)
            except ValueError as error:
                faults.add(row, "a text that its tokenizer can read", str(error))
        return (), 0, 0

    def encode(self, column: Texts) -> Array:
        """Return `int32[len(column), length]`."""
        return column.block

    def measures(self, field: str) -> tuple[str, ...]:
        """Return the tokenizer's measures; but for the field `text` their names begin with the field's."""
        return tuple(_named(field, name) for name in self.tokenizer.measures)

    def categories(self, field: str) -> Mapping[str, Sequence[str]]:
        """Return the names of the groups of ids that are counted as `vocabulary`."""
        return {_named(field, "vocabulary"): self.tokenizer.bucket_names}

    def measured(self, field: str, column: Texts, block: Array) -> Measures:
        """Measure how many tokens a text has, how many of them are unknown, and which it has.

        In the `vocabulary` a token counts as the share of an instance: the tokens of a text go together.
        """
        values = [(tokens, 1 - known / max(tokens, 1)) for tokens, known in column.counts]
        columns = np.array(values, np.float64).reshape(-1, 2)[:, : len(self.tokenizer.measures)]
        counts = np.bincount(self.tokenizer.bucket_of[block[:, : column.longest]].ravel(), minlength=BUCKETS + 1)[:-1]
        return Measures(columns, {_named(field, "vocabulary"): counts / self.tokenizer.tokens_a_draw})

    def to_state(self) -> dict[str, Any]:
        """Return the fitted state as JSON values; *max_characters* is for whoever serves to say."""
        tokenizer = tokenizer_to_json(self.tokenizer)
        return {"length": self.length, "keep": self.keep, "missing": self.missing, "tokenizer": tokenizer}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> "Text":
        """Read what `to_state` returned; raises ValueError, KeyError or TypeError if it is another.

        Raises ContractError for a tokenizer that this release does not know, or lacks the package of.
        """
        tokenizer = states.mapping(state, "tokenizer")
        with place("tokenizer"):
            read = tokenizer_from_json(tokenizer)
        return cls(read, *(states.given(state, name) for name in ("length", "keep", "missing")))


def _named(field: str, name: str) -> str:
    return name if field == "text" else f"{field}_{name}"
