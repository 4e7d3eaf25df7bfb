"""Words by the rules with which Keras made its IMDB and Reuters data sets; see `keras_splitting`."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, get_args

from serving.contract import states
from serving.contract.arrays import Array
from serving.contract.encoders.tokenizers.buckets import WORDS_A_DRAW, buckets_by_rank, names_by_rank
from serving.contract.encoders.tokenizers.keras_splitting import (
    FIRST_WORD,
    PADDING,
    RARE,
    START,
    Splitting,
    pieces_of,
    tokenize,
)
from serving.contract.encoders.tokenizers.tokenizer import Keep, Tokens, by_rank, joined, kept, separated

MOST_WORDS = 10_000_000


@dataclass(frozen=True)
class KerasWords:
    """Ids: 0 padding, 1 start, 2 a word too rare for *num_words* ids, 3 unused, then words by rank, from the first.

    *words* are all that training saw, by rank. A word that it never saw leaves no id at all.
    """

    words: tuple[str, ...]
    num_words: int
    splitting: Splitting = "unicode"
    kind: ClassVar[str] = "keras"
    measures: ClassVar[tuple[str, ...]] = ("words", "unknown_ratio")
    padding: ClassVar[int] = PADDING
    tokens_a_draw: ClassVar[float] = WORDS_A_DRAW

    def __post_init__(self) -> None:
        states.whole({"num_words": self.num_words}, "num_words", RARE + 1, MOST_WORDS)

    @classmethod
    def fit(cls, texts: Iterable[str], *, num_words: int = 20_000) -> "KerasWords":
        """Rank the words of *texts* by how often they come."""
        counts = Counter(word for text in texts for word in tokenize(text))
        return cls(tuple(by_rank(counts)), num_words)

    @classmethod
    def from_word_index(cls, ranks: Mapping[str, int], *, num_words: int) -> "KerasWords":
        """Take the vocabulary of a `keras.datasets` word index (word -> rank, from 1)."""
        return cls(tuple(sorted(ranks, key=lambda word: ranks[word])), num_words)

    @property
    def size(self) -> int:
        """The number of ids."""
        return self.num_words

    def read(self, text: str, length: int, keep: Keep) -> Tokens:
        """Split *text* into words and look them up."""
        known = self._id_of
        pieces = pieces_of(text, self.splitting, known)
        found = [START, *filter(None, map(known.get, pieces))]  # no id of a word is 0, and an empty text has none
        return kept(found, length, keep), len(pieces) - pieces.count(""), len(found) - 1 - found.count(RARE)

    @property
    def bucket_names(self) -> tuple[str, ...]:
        """The most frequent words, then `other` and a number."""
        return names_by_rank(self.words)

    @cached_property
    def bucket_of(self) -> Array:
        """The group of each id: `int64[size]`."""
        return buckets_by_rank(self.num_words, FIRST_WORD)

    def to_state(self) -> dict[str, Any]:
        """Return the fitted state as JSON values."""
        return {"num_words": self.num_words, "splitting": self.splitting, "words": joined(self.words)}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> "KerasWords":
        """Read what `to_state` returned; raises ValueError, KeyError or TypeError if it is another."""
        words = separated(states.text(state, "words"))
        num_words = states.whole(state, "num_words", RARE + 1, MOST_WORDS)
        return cls(words, num_words, states.choice(state, "splitting", get_args(Splitting)))

    @cached_property
    def _id_of(self) -> dict[str, int]:
        common = self.num_words - FIRST_WORD
        return {word: FIRST_WORD + rank if rank < common else RARE for rank, word in enumerate(self.words)}
