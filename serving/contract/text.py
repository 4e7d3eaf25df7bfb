"""Text -> fixed-length word ids, by the rules with which Keras made its IMDB and Reuters data sets.

Only ASCII letters are lower-cased, punctuation but for the apostrophe becomes a space, words are split at spaces.
Ids: 0 padding, 1 start, 2 a word too rare for the vocabulary, 3 unused, then the words by rank, most frequent
first. A word that the training texts never had leaves no id at all: those data sets were made so.

Those rules know ASCII alone, and of its line ends only one. The other line ends split as well: no published word has
one. Marks beyond ASCII split too, but in unknown words alone: "it's" with a curly apostrophe is a published word.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from typing import Any, ClassVar, Literal

import numpy as np

from serving.contract.arrays import Array, Features, TensorSpec
from serving.contract.instance_limits import InstanceLimits
from serving.contract.reference import Measures
from serving.errors import Described, InvalidField

PADDING, START, RARE = 0, 1, 2
FIRST_WORD = 4
"""The id of the most frequent word: `index_from=3` of `keras.datasets`, and ranks start at 1."""

_COMMON_WORDS, _OTHER_WORDS = 16, 16
"""Buckets of the vocabulary: one for each of the most frequent words, and some that share all others."""
_WORDS_A_DRAW = 5
"""The words of a text depend on each other: five tell as much as one independent draw (seen on IMDB and Reuters)."""

Splitting = Literal["ascii", "unicode"]
"""Where words end: `ascii` at what the published data sets were split at; `unicode` at all that separates words."""

_PUNCTUATION = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'
_CONTROLS = "".join(map(chr, (*range(0x08), *range(0x0B, 0x10), *range(0x11, 0x20), 0x7F)))
"""Line ends and other control characters, but for two that published words have: U+0008 and U+0010."""
_MARK = re.compile(
    "[\xa0\xa1\xab\xb4\xb7\xbb\xbf\u02bc\u1680"  # not U+0080 to U+009F: published texts keep them in words
    "\u2000-\u200b\u200e-\u206f"  # spaces, dashes, quotes, dots; not what joins the parts of a word
    "\u20a0-\u20cf\u2190-\u2bff\u2e00-\u2e7f"  # currencies, symbols, more punctuation
    "\u3000-\u3003\u3008-\u3020\u3030\ufe0e\ufe0f\ufeff\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65"
    "\U0001f000-\U0001faff]"  # pictures
)
_MARKS_BEGIN = tuple(bytes([first]) for first in b"\xc2\xca\xe1\xe2\xe3\xef\xf0")
"""The first bytes of all marks in UTF-8: a text with accents only has none, and needs no further search."""
_APOSTROPHE = re.compile("(?<=\\w)[\xb4\u02bc\u2018\u2019\u201b\uff07](?=\\w)")
_BLANK, _BLANK_PATTERN = " \t\n\r", " \\t\\n\\r"  # spelt out: not all dialects of patterns agree on \\s


def _table(separators: str) -> bytes:
    letters = bytes(range(ord("A"), ord("Z") + 1))
    return bytes.maketrans(letters + separators.encode(), letters.lower() + b" " * len(separators))


_NORMALISE: dict[Splitting, bytes] = {"ascii": _table(_PUNCTUATION), "unicode": _table(_PUNCTUATION + _CONTROLS)}


def tokenize(text: str, splitting: Splitting = "unicode", known: Collection[str] = ()) -> list[str]:
    """Split *text* into words; those that are *known* are not split at marks beyond ASCII."""
    return [word for word in _pieces(text, splitting, known) if word]


def _pieces(text: str, splitting: Splitting, known: Collection[str]) -> list[str]:
    """Split *text* into its words and, where several separators follow each other, empty texts.

    In UTF-8 the bytes of an ASCII letter are part of no other, and bytes are translated several times faster than
    text. Half a surrogate pair, which JSON may hold, goes through as it is.
    """
    data = text.encode("utf-8", "surrogatepass").translate(_NORMALISE[splitting])
    pieces = data.decode("utf-8", "surrogatepass").split(" ")
    if splitting == "ascii" or text.isascii() or not any(first in data for first in _MARKS_BEGIN):
        return pieces
    return _split_at_marks(pieces, known)


def _split_at_marks(pieces: list[str], known: Collection[str]) -> list[str]:
    unknown = set(pieces).difference(known)
    if not _MARK.search(" ".join(unknown)):
        return pieces
    parts = {piece: _parts(piece) for piece in unknown if _MARK.search(piece)}
    return list(chain.from_iterable(map(parts.get, pieces, zip(pieces, strict=True))))


def _parts(piece: str) -> list[str]:
    """Split at all marks but an apostrophe between two letters: that becomes the one that the vocabularies have."""
    return _MARK.sub(" ", _APOSTROPHE.sub("'", piece)).split(" ")


@dataclass(frozen=True)
class TextVectorizer:
    """Turns `{"text": "..."}` into `ids: int32[batch, length]`; longer texts keep their beginning.

    *words* are all that training saw, by rank; *num_words* is the number of ids, the special ones included.
    A text of more than *max_characters* is refused, and one of nothing but spaces, tabs and line ends.
    *splitting* is part of what was fitted: ids must stay what the model was trained on.
    """

    words: tuple[str, ...]
    num_words: int
    length: int
    max_characters: int = 10_000_000
    splitting: Splitting = "unicode"
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
        """Return the vectorizer that refuses longer texts."""
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
        """Return the fitted state as JSON values."""
        words = " ".join(self.words)
        return {"length": self.length, "num_words": self.num_words, "splitting": self.splitting, "words": words}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> "TextVectorizer":
        """Read what `to_state` gave; older states, without a splitting, are ASCII's. Raises ValueError."""
        words = state["words"]
        splitting = state.get("splitting", "ascii")
        if splitting not in _NORMALISE:
            raise ValueError(f"splitting: expected {' or '.join(_NORMALISE)}, got {splitting!r}")
        words = tuple(words.split(" ") if words else ())
        return cls(words, state["num_words"], state["length"], splitting=splitting)

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
        known = self._id_of
        id_of = known.get
        for row, text in zip(ids, decoded, strict=True):
            pieces = _pieces(text, self.splitting, known)
            found = [START, *filter(None, map(id_of, pieces))]  # no id of a word is 0, and an empty text has none
            counts.append((len(pieces) - pieces.count(""), len(found) - 1 - found.count(RARE)))
            found = found[: self.length]
            row[: len(found)] = found
        return ids, counts
