"""Hashed character n-grams: no vocabulary, and a misspelt word shares most of its n-grams with the right one."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any, ClassVar
from zlib import crc32

from serving.contract import states
from serving.contract.arrays import Array
from serving.contract.encoders.tokenizers.buckets import LETTERS_A_WORD, WORDS_A_DRAW, shared_buckets, shared_names
from serving.contract.encoders.tokenizers.tokenizer import Keep, Tokens
from serving.contract.encoders.tokenizers.unicode_splitting import folded

MOST_BUCKETS = 1_000_000
LONGEST = 20


@dataclass(frozen=True)
class HashedNgrams:
    """Ids: 0 padding, then 1 + CRC-32 of an n-gram's UTF-8 modulo *buckets*.

    An n-gram has *shortest* to *longest* characters; they follow each other by where they begin, shorter ones first. A
    text is composed (NFC) and, with *fold*, case-folded; what is blank in it becomes one space, and so it begins and
    ends.
    """

    shortest: int = 3
    longest: int = 5
    buckets: int = 20_000
    fold: bool = True
    kind: ClassVar[str] = "hashed_ngrams"
    measures: ClassVar[tuple[str, ...]] = ("ngrams",)
    padding: ClassVar[int] = 0

    def __post_init__(self) -> None:
        """Raise ValueError or TypeError for settings that there are not."""
        states.whole(vars(self), "longest", 1, LONGEST)
        states.whole(vars(self), "shortest", 1, self.longest)
        states.whole(vars(self), "buckets", 1, MOST_BUCKETS)
        states.flag(vars(self), "fold")

    @classmethod
    def fit(
        cls, texts: Iterable[str], *, shortest: int = 3, longest: int = 5, buckets: int = 20_000, fold: bool = True
    ) -> "HashedNgrams":
        """Return the tokenizer, which learns nothing of *texts*; raises ValueError or TypeError."""
        return cls(shortest, longest, buckets, fold)

    @property
    def size(self) -> int:
        """The number of ids."""
        return 1 + self.buckets

    @property
    def tokens_a_draw(self) -> float:
        """As many as a few words have."""
        return float(WORDS_A_DRAW * LETTERS_A_WORD * (self.longest - self.shortest + 1))

    def read(self, text: str, length: int, keep: Keep) -> Tokens:
        """Hash the n-grams of *text* that are kept; of all others, only the number is found out."""
        padded = f" {' '.join(folded(text, fold=self.fold).split())} "
        if padded == "  ":
            return (), 0, 0
        count = sum(max(0, len(padded) - size + 1) for size in range(self.shortest, self.longest + 1))
        if keep == "beginning":
            grams = list(islice(self._ngrams(padded, range(len(padded))), length))
        else:
            grams = list(islice(self._ngrams(padded, range(len(padded) - 1, -1, -1)), length))
        ids = [1 + crc32(gram.encode("utf-8", "surrogatepass")) % self.buckets for gram in grams]
        return ids if keep == "beginning" else ids[::-1], count, count

    def _ngrams(self, text: str, begins: range) -> Iterator[str]:
        sizes = range(self.shortest, self.longest + 1)
        for begin in begins:
            for size in sizes if begins.step > 0 else reversed(sizes):
                if begin + size <= len(text):
                    yield text[begin : begin + size]

    @property
    def bucket_names(self) -> tuple[str, ...]:
        """`other` and a number: hashes have no names."""
        return shared_names()

    @cached_property
    def bucket_of(self) -> Array:
        """The group of each id: `int64[size]`."""
        return shared_buckets(self.size, [self.padding])

    def to_state(self) -> dict[str, Any]:
        """Return the settings as JSON values."""
        return {"shortest": self.shortest, "longest": self.longest, "buckets": self.buckets, "fold": self.fold}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> "HashedNgrams":
        """Read what `to_state` returned; raises ValueError, KeyError or TypeError if it is another."""
        return cls(*(states.given(state, name) for name in ("shortest", "longest", "buckets", "fold")))
