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
from serving.contract.tensors import Features, TensorSpec
from serving.errors import Described, InvalidField

PADDING, START, RARE = 0, 1, 2
FIRST_WORD = 4
"""The id of the most frequent word: `index_from=3` of `keras.datasets`, and ranks start at 1."""

_SEPARATORS = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'
_BLANK, _BLANK_PATTERN = " \t\n\r", " \\t\\n\\r"  # spelt out: not all dialects of patterns agree on \\s
_NORMALISE = str.maketrans(
    {chr(upper): chr(upper).lower() for upper in range(ord("A"), ord("Z") + 1)} | dict.fromkeys(_SEPARATORS, " ")
)


def tokenize(text: str) -> list[str]:
    """Split *text* into words."""
    return [word for word in text.translate(_NORMALISE).split(" ") if word]


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
        ids = np.zeros((len(decoded), self.length), np.int32)
        for row, text in zip(ids, decoded, strict=True):
            found = self._ids(text)
            row[: len(found)] = found
        return {"ids": ids}

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

    def _ids(self, text: str) -> list[int]:
        id_of = self._id_of
        return [START, *(id_of[word] for word in tokenize(text) if word in id_of)][: self.length]
