"""Characters: for names, codes, and languages whose words no space tells apart."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from serving.contract import states
from serving.contract.arrays import Array
from serving.contract.encoders.tokenizers.buckets import LETTERS_A_WORD, WORDS_A_DRAW, buckets_by_rank, names_by_rank
from serving.contract.encoders.tokenizers.ranked import (
    FIRST,
    PADDING,
    check_vocabulary,
    ids_by_rank,
    looked_up,
    most_frequent,
)
from serving.contract.encoders.tokenizers.tokenizer import Keep, Tokens
from serving.contract.encoders.tokenizers.unicode_splitting import folded


@dataclass(frozen=True)
class Characters:
    """Ids: 0 padding, 1 a character that is none of *characters*, then these by rank.

    A text is composed (NFC) and, with *fold*, case-folded. Raises ValueError for characters that repeat.
    """

    characters: str
    fold: bool = True
    kind: ClassVar[str] = "characters"
    measures: ClassVar[tuple[str, ...]] = ("characters", "unknown_ratio")
    padding: ClassVar[int] = PADDING
    tokens_a_draw: ClassVar[float] = WORDS_A_DRAW * LETTERS_A_WORD

    def __post_init__(self) -> None:
        """Raise ValueError for characters that no state could hold."""
        check_vocabulary(self.characters)

    @classmethod
    def fit(cls, texts: Iterable[str], *, num_words: int = 1_000, fold: bool = True) -> "Characters":
        """Rank the characters of *texts*, and take as many as there are ids; raises ValueError or TypeError."""
        counts = Counter(character for text in texts for character in folded(text, fold=fold))
        halves = [character for character in counts if "\ud800" <= character <= "\udfff"]
        for half in halves:  # of a surrogate pair: JSON may hold it, but no file
            del counts[half]
        return cls("".join(most_frequent(counts, num_words)), fold)

    @property
    def size(self) -> int:
        """The number of ids."""
        return FIRST + len(self.characters)

    def read(self, text: str, length: int, keep: Keep) -> Tokens:
        """Look the characters of *text* up."""
        return looked_up(folded(text, fold=self.fold), self._id_of, length, keep)

    @property
    def bucket_names(self) -> tuple[str, ...]:
        """The most frequent characters, then `other` and a number; what can't be seen is named by its code."""
        seen = [it if it.isprintable() and not it.isspace() else f"U+{ord(it):04X}" for it in self.characters]
        return names_by_rank(seen)

    @cached_property
    def bucket_of(self) -> Array:
        """The group of each id: `int64[size]`."""
        return buckets_by_rank(self.size, FIRST)

    def to_state(self) -> dict[str, Any]:
        """Return the fitted state as JSON values."""
        return {"characters": self.characters, "fold": self.fold}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> "Characters":
        """Read what `to_state` returned; raises ValueError, KeyError or TypeError if it is another."""
        return cls(states.text(state, "characters"), states.flag(state, "fold"))

    @cached_property
    def _id_of(self) -> dict[str, int]:
        return ids_by_rank(self.characters)
