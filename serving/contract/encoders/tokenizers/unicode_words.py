"""Words of any language, case-folded."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from serving.contract import states
from serving.contract.arrays import Array
from serving.contract.encoders.tokenizers.buckets import WORDS_A_DRAW, buckets_by_rank, names_by_rank
from serving.contract.encoders.tokenizers.ranked import (
    FIRST,
    PADDING,
    check_vocabulary,
    ids_by_rank,
    looked_up,
    most_frequent,
)
from serving.contract.encoders.tokenizers.tokenizer import Keep, Tokens, joined, separated
from serving.contract.encoders.tokenizers.unicode_splitting import split


@dataclass(frozen=True)
class UnicodeWords:
    """Ids: 0 padding, 1 a word that is none of *words*, then these by rank. Raises ValueError for words that repeat."""

    words: tuple[str, ...]
    kind: ClassVar[str] = "unicode"
    measures: ClassVar[tuple[str, ...]] = ("words", "unknown_ratio")
    padding: ClassVar[int] = PADDING
    tokens_a_draw: ClassVar[float] = WORDS_A_DRAW

    def __post_init__(self) -> None:
        """Raise ValueError for words that no state could hold."""
        check_vocabulary(self.words)

    @classmethod
    def fit(cls, texts: Iterable[str], *, num_words: int = 20_000) -> "UnicodeWords":
        """Rank the words of *texts*, and take as many as there are ids; raises ValueError or TypeError."""
        return cls(most_frequent(Counter(word for text in texts for word in split(text)), num_words))

    @property
    def size(self) -> int:
        """The number of ids."""
        return FIRST + len(self.words)

    def read(self, text: str, length: int, keep: Keep) -> Tokens:
        """Split *text* into words and look them up."""
        return looked_up(split(text), self._id_of, length, keep)

    @property
    def bucket_names(self) -> tuple[str, ...]:
        """The most frequent words, then `other` and a number."""
        return names_by_rank(self.words)

    @cached_property
    def bucket_of(self) -> Array:
        """The group of each id: `int64[size]`."""
        return buckets_by_rank(self.size, FIRST)

    def to_state(self) -> dict[str, Any]:
        """Return the fitted state as JSON values."""
        return {"words": joined(self.words)}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> "UnicodeWords":
        """Read what `to_state` returned; raises ValueError, KeyError or TypeError if it is another."""
        return cls(separated(states.text(state, "words")))

    @cached_property
    def _id_of(self) -> dict[str, int]:
        return ids_by_rank(self.words)
