"""What every tokenizer is: one text -> ids, and what drift counts of them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Literal, Protocol

from serving.contract.arrays import Array

Keep = Literal["beginning", "end"]
"""Which part of a text that is too long is kept."""

Tokens = tuple[Sequence[int], float, float]
"""The ids that are kept of a text, the number of all its tokens, and of those that the tokenizer knows."""


class Tokenizer(Protocol):
    """Fitted and immutable, with a JSON state; its class has a `fit(texts, *, ...)` with options of its own."""

    kind: ClassVar[str]
    measures: ClassVar[tuple[str, ...]]
    """The names of what drift measures: the number of all tokens, and the share of the unknown if there are such."""

    @property
    def size(self) -> int:
        """The number of ids: what an embedding has as its `input_dim`."""
        ...

    @property
    def padding(self) -> int:
        """The id behind the end of a text."""
        ...

    def read(self, text: str, length: int, keep: Keep) -> Tokens:
        """Tokenize *text* and keep at most *length* ids; raises ValueError for a text that it can't read."""
        ...

    @property
    def bucket_names(self) -> Sequence[str]:
        """The names of the groups of ids that are counted, for drift."""
        ...

    @property
    def bucket_of(self) -> Array:
        """The number of each id's group: `int64[size]`; one more than there are for an id that is not counted."""
        ...

    @property
    def tokens_a_draw(self) -> float:
        """How many tokens of a text, which belong together, say as much as one that is drawn on its own."""
        ...

    def to_state(self) -> dict[str, Any]:
        """Return the fitted state as JSON values."""
        ...

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> "Tokenizer":
        """Read what `to_state` returned; raises ValueError, KeyError, TypeError or ContractError."""
        ...


def kept(ids: list[int], length: int, keep: Keep) -> list[int]:
    """Return the first or the last *length* of *ids*."""
    return ids[:length] if keep == "beginning" else ids[-length:]


def by_rank(counts: Mapping[str, int]) -> list[str]:
    """Return the keys of *counts*, those that come most often first, then by spelling."""
    return sorted(counts, key=lambda token: (-counts[token], token))


def joined(tokens: Iterable[str]) -> str:
    """Return tokens without spaces as one text, which is much shorter in JSON."""
    return " ".join(tokens)


def separated(text: str) -> tuple[str, ...]:
    """Return what `joined` joined."""
    return tuple(text.split(" ")) if text else ()
