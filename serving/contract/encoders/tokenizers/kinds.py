"""The closed table of tokenizers, and how one is found again from its JSON state."""

from collections.abc import Callable, Mapping
from typing import Any

from serving.contract.encoders.tokenizers.characters import Characters
from serving.contract.encoders.tokenizers.hashed_ngrams import HashedNgrams
from serving.contract.encoders.tokenizers.keras_words import KerasWords
from serving.contract.encoders.tokenizers.tokenizer import Tokenizer
from serving.contract.encoders.tokenizers.tokenizer_file import TokenizerFile
from serving.contract.encoders.tokenizers.unicode_words import UnicodeWords
from serving.contract.kinds import find_kind

_ALL = (KerasWords, UnicodeWords, Characters, HashedNgrams, TokenizerFile)
_KINDS: dict[str, type[Tokenizer]] = {it.kind: it for it in _ALL}

FITS: dict[str, Callable[..., Tokenizer]] = {it.kind: it.fit for it in _ALL}
"""What fits each kind to texts, with the kind's own options by name."""


def tokenizer_to_json(tokenizer: Tokenizer) -> dict[str, Any]:
    """Return kind and state as JSON values."""
    return {"kind": tokenizer.kind, **tokenizer.to_state()}


def tokenizer_from_json(state: Mapping[str, Any]) -> Tokenizer:
    """Read what `tokenizer_to_json` returned; raises ContractError, KeyError, TypeError or ValueError."""
    fitted = dict(state)
    kind = find_kind(_KINDS, "tokenizer", fitted)
    del fitted["kind"]
    return kind.from_state(fitted)
