"""The closed table of tokenizers, and how one is found again from its JSON state."""

from collections.abc import Mapping
from typing import Any

from serving.contract.encoders.tokenizers.keras_words import KerasWords
from serving.contract.encoders.tokenizers.tokenizer import Tokenizer
from serving.contract.kinds import find_kind

TOKENIZERS: dict[str, type[Tokenizer]] = {it.kind: it for it in (KerasWords,)}


def tokenizer_to_json(tokenizer: Tokenizer) -> dict[str, Any]:
    """Return kind and state as JSON values."""
    return {"kind": tokenizer.kind, **tokenizer.to_state()}


def tokenizer_from_json(state: Mapping[str, Any]) -> Tokenizer:
    """Read what `tokenizer_to_json` returned; raises ContractError, KeyError, TypeError or ValueError."""
    fitted = dict(state)
    return find_kind(TOKENIZERS, fitted.pop("kind"), "tokenizer").from_state(fitted)
