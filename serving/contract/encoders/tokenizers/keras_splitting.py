"""The rules with which Keras split the texts of its IMDB and Reuters data sets into words.

Only ASCII letters are lower-cased, punctuation but for the apostrophe becomes a space, words are split at spaces.
Ids: 0 padding, 1 start, 2 a word too rare for the vocabulary, 3 unused, then the words by rank, most frequent
first. A word that the training texts never had leaves no id at all: those data sets were made so.

Those rules know ASCII alone, and of its line ends only one. The other line ends split as well: no published word has
one. Marks beyond ASCII split too, but in unknown words alone: "it's" with a curly apostrophe is a published word.
"""

import re
from collections.abc import Collection
from itertools import chain
from typing import Literal

PADDING, START, RARE = 0, 1, 2
FIRST_WORD = 4
"""The id of the most frequent word: `index_from=3` of `keras.datasets`, and ranks start at 1."""

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
"""The first bytes of all marks in UTF-8: a text with accents alone has none, and is looked through no further."""
_APOSTROPHE = re.compile("(?<=\\w)[\xb4\u02bc\u2018\u2019\u201b\uff07](?=\\w)")


def _table(separators: str) -> bytes:
    letters = bytes(range(ord("A"), ord("Z") + 1))
    return bytes.maketrans(letters + separators.encode(), letters.lower() + b" " * len(separators))


_NORMALISE: dict[Splitting, bytes] = {"ascii": _table(_PUNCTUATION), "unicode": _table(_PUNCTUATION + _CONTROLS)}


def tokenize(text: str, splitting: Splitting = "unicode", known: Collection[str] = ()) -> list[str]:
    """Split *text* into words; those that are *known* are not split at marks beyond ASCII."""
    return [word for word in pieces_of(text, splitting, known) if word]


def pieces_of(text: str, splitting: Splitting, known: Collection[str]) -> list[str]:
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
