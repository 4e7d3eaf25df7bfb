"""Text -> fixed-length word ids, by the rules with which Keras made its IMDB and Reuters data sets.

Only ASCII letters are lower-cased, punctuation but for the apostrophe becomes a space, words are split at spaces.
Ids: 0 padding, 1 start, 2 a word too rare for the vocabulary, 3 unused, then the words by rank, most frequent
first. A word that the training texts never had leaves no id at all: those data sets were made so.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from serving.contract.limits import InstanceLimits
from serving.contract.reference import Measures
from serving.contract.tensors import Array, Features, TensorSpec
from serving.errors import Described, InvalidField

PADDING, START, RARE = 0, 1, 2
FIRST_WORD = 4
"""The id of the most frequent word: `index_from=3` of `keras.datasets`, and ranks start at 1."""

_COMMON_WORDS, _OTHER_WORDS = 16, 16
"""Buckets of the vocabulary: one for each of the most frequent words, and some that share all others."""
_WORDS_A_DRAW = 5
"""The words of a text go together: five say as much as one that is drawn on its own (measured on IMDB and Reuters)."""

_SEPARATORS = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'
_BLANK, _BLANK_PATTERN = " \t\n\r", " \\t\\n\\r"  # spelt out: not all dialects of patterns agree on \\s
_NORMALISE = bytes.maketrans(
    bytes(range(ord("A"), ord("Z") + 1)) + _SEPARATORS.encode(),
    bytes(range(ord("a"), ord("z") + 1)) + b" " * len(_SEPARATORS),
)


def tokenize(text: str) -> list[str]:
    """Split *text* into words."""
    return [word for word in _pieces(text) if word]


def _pieces(text: str) -> list[str]:
    """Split *text* at each space: into its words and, where several spaces follow each other, empty texts.

    In UTF-8 the bytes of an ASCII letter are part of no other, and bytes are translated several times faster than
    text. Half a surrogate pair, which JSON may hold, goes through as it is.
    """
    data = text.encode("utf-8", "surrogatepass").translate(_NORMALISE)
    return data.decode("utf-8", "surrogatepass").split(" ")


@dataclass(frozen=True)
class TextVectorizer:
    """Turns `{"text": "..."}` into `ids: int32[batch, length]`; longer texts keep their beginning.

    *words* are all that training saw, by rank; *num_words* is the number of ids, the special ones included.
    A text of more than *max_characters* is refused, and one of nothing but spaces, tabs and line ends.
    """

    words: tuple[str, ...]
    num_words: int
    length: int
    max_characters: int = 10_000_000
    kind: ClassVar[str] = "text"
    fields: ClassVar[tuple[str, ...]] = ("text",)
    measures: ClassVar[tuple[str, ...]] = ("words", "unknown_ratio")

    @classmethod
    def fit(cls, texts: Iterable[str], *, num_words: int, length: int) -> "TextVectorizer":
        """Rank the words of *texts* by how often they come."""
        counts = Counter(word for text in texts for word in tokenize(text))
        ranked = sorted(counts, key=lambda word: (-counts[word], word))
        return cls(tuple(ranked), num_words, length)

    @classmethod
    def from_word_index(cls, ranks: Mapping[str, int], *, num_words: int, length: int) -> "TextVectorizer":
        """Take the vocabulary of a `keras.datasets` word index (word -> rank, from 1)."""
        return cls(tuple(sorted(ranks, key=lambda word: ranks[word])), num_words, length)

    @property
    def inputs(self) -> dict[str, TensorSpec]:
        """The features' names, types and shapes."""
        return {"ids": TensorSpec("int32", (None, self.length))}

    @property
    def instance_schema(self) -> dict[str, Any]:
        """The JSON schema of one instance."""
        text = {"type": "string", "minLength": 1, "maxLength": self.max_characters, "pattern": f"[^{_BLANK_PATTERN}]"}
        return {
            "type": "object",
            "properties": {"text": text},
            "required": ["text"],
            "additionalProperties": False,
        }

    def limited(self, limits: InstanceLimits) -> "TextVectorizer":
        """Give the vectorizer that refuses longer texts."""
        return replace(self, max_characters=limits.text_characters)

    def decode(self, instance: Mapping[str, Any]) -> str:
        """Read the text of one instance; raises InvalidField."""
        text = instance.get("text")
        if not isinstance(text, str) or not text.strip(_BLANK):
            raise InvalidField("text", "a string that is not empty", text)
        if len(text) > self.max_characters:
            raise InvalidField("text", f"at most {self.max_characters:,} characters", Described(f"{len(text):,}"))
        return text

    def transform(self, decoded: Sequence[str]) -> Features:
        """Make `ids: int32[len(decoded), length]`, padded at the end."""
        return {"ids": self._counted(decoded)[0]}

    def measured(self, decoded: Sequence[str]) -> tuple[Features, Measures]:
        """Make the features, and measure how many words a text has, how many of them are unknown, and which it has.

        In the `vocabulary` a known word counts as the fifth of an instance.
        """
        ids, counts = self._counted(decoded)
        values = [(words, 1 - known / max(words, 1)) for words, known in counts]
        measures = Measures(np.array(values, np.float64).reshape(-1, 2), {"vocabulary": self._vocabulary(ids)})
        return {"ids": ids}, measures

    @property
    def categories(self) -> dict[str, tuple[str, ...]]:
        """The names of the categories that are measured: of buckets, the words or `other` and a number."""
        common = self.words[:_COMMON_WORDS]
        return {"vocabulary": (*common, *(f"other {number}" for number in range(len(common), self._buckets)))}

    def to_state(self) -> dict[str, Any]:
        """Give the fitted state as JSON values."""
        return {"length": self.length, "num_words": self.num_words, "words": " ".join(self.words)}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> "TextVectorizer":
        """Read what `to_state` gave."""
        words = state["words"]
        return cls(tuple(words.split(" ") if words else ()), state["num_words"], state["length"])

    @cached_property
    def _id_of(self) -> dict[str, int]:
        common = self.num_words - FIRST_WORD
        return {word: FIRST_WORD + rank if rank < common else RARE for rank, word in enumerate(self.words)}

    @cached_property
    def _bucket_of(self) -> Array:
        """The bucket of each id: `int64[num_words]`; what is no known word has one more, behind the others."""
        rank = np.arange(self.num_words) - FIRST_WORD
        bucket = np.where(rank < _COMMON_WORDS, rank, _COMMON_WORDS + rank % _OTHER_WORDS)
        return np.where(rank < 0, self._buckets, bucket)

    @property
    def _buckets(self) -> int:
        return _COMMON_WORDS + _OTHER_WORDS

    def _vocabulary(self, ids: Array) -> Array:
        counts = np.bincount(self._bucket_of[ids].ravel(), minlength=self._buckets + 1)[:-1]
        return counts / _WORDS_A_DRAW

    def _counted(self, decoded: Sequence[str]) -> tuple[Array, list[tuple[int, int]]]:
        """Make the ids, and count each text's words and those that are known."""
        ids = np.zeros((len(decoded), self.length), np.int32)
        counts = []
        id_of = self._id_of.get
        for row, text in zip(ids, decoded, strict=True):
            pieces = _pieces(text)
            found = [START, *filter(None, map(id_of, pieces))]  # no id of a word is 0, and an empty text has none
            counts.append((len(pieces) - pieces.count(""), len(found) - 1 - found.count(RARE)))
            found = found[: self.length]
            row[: len(found)] = found
        return ids, counts
