"""Ids as those of Keras's TextVectorization: 0 padding, 1 unknown, then a vocabulary's tokens, most frequent first."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice

from serving.contract import states
from serving.contract.encoders.tokenizers.tokenizer import Keep, Tokens, by_rank, kept

PADDING, UNKNOWN = 0, 1
FIRST = 2
MOST_TOKENS = 10_000_000


def most_frequent(counts: Mapping[str, int], size: int) -> tuple[str, ...]:
    """Return the tokens for *size* ids; raises ValueError or TypeError for a size that there is not."""
    states.whole({"num_words": size}, "num_words", FIRST, MOST_TOKENS)
    return tuple(islice(by_rank(counts), size - FIRST))


def check_vocabulary(tokens: Sequence[str]) -> None:
    """Raise ValueError for a token that is empty, has a space within, or is there twice."""
    if len(set(tokens)) < len(tokens) or any(token == "" or (" " in token and len(token) > 1) for token in tokens):
        raise ValueError("expected tokens that are not empty, without spaces, and differ from each other")


def ids_by_rank(tokens: Iterable[str]) -> dict[str, int]:
    """Return the id of each token."""
    return {token: number for number, token in enumerate(tokens, FIRST)}


def looked_up(tokens: Iterable[str], ids: Mapping[str, int], length: int, keep: Keep) -> Tokens:
    """Return the ids of *tokens*, and how many there are and are known."""
    find = ids.get
    found = [find(token, UNKNOWN) for token in tokens]
    return kept(found, length, keep), len(found), len(found) - found.count(UNKNOWN)
