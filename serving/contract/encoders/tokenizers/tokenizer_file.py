"""WordPiece, BPE or Unigram from a `tokenizer.json`, by the package `tokenizers`, which nothing else needs."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from serving.contract import states
from serving.contract.arrays import Array
from serving.contract.encoders.tokenizers.buckets import WORDS_A_DRAW, shared_buckets, shared_names
from serving.contract.encoders.tokenizers.tokenizer import Keep, Tokens
from serving.errors import ContractError

if TYPE_CHECKING:
    from tokenizers import Tokenizer as Library

MODELS = ("WordPiece", "BPE", "Unigram")
MOST_CHARACTERS = 50_000_000
"""Of the JSON; those of models of many languages have a third of that."""
_PADDING_TOKENS = ("[PAD]", "<pad>", "<PAD>")
_PROBE = "Aa \xe9\u5b57\u0e01\U0001f600\U0010fffd"
"""Characters that few vocabularies have: whoever has no token for what is unknown fails here, and not in a request."""


@dataclass(frozen=True)
class TokenizerFile:
    """Ids as the file has them, with the special tokens that it puts around a text; *padding* behind the text.

    *definition* is the file's content. Raises ValueError or TypeError for one that can't be used, and ContractError
    where the package is missing.
    """

    definition: str
    padding: int
    kind: ClassVar[str] = "file"
    measures: ClassVar[tuple[str, ...]] = ("tokens", "unknown_ratio")
    tokens_a_draw: ClassVar[float] = WORDS_A_DRAW

    def __post_init__(self) -> None:
        """Load the file, and try it."""
        states.whole(vars(self), "padding", 0, self._ids)
        self._encoded(_PROBE)

    @classmethod
    def fit(cls, texts: Iterable[str], *, file: str | Path) -> "TokenizerFile":
        """Read a `tokenizer.json`, which learns nothing of *texts*; raises ValueError, OSError or ContractError.

        Padding is the file's own, or `[PAD]` or `<pad>` if it has that, or an id more than it has.
        """
        with Path(file).open(encoding="utf-8") as opened:
            definition = opened.read(MOST_CHARACTERS + 1)
        library = _loaded(definition)
        named = [number for token in _PADDING_TOKENS if (number := library.token_to_id(token)) is not None]
        own = [library.padding["pad_id"]] if library.padding else []
        return cls(definition, [*own, *named, _count(library)][0])

    @property
    def size(self) -> int:
        """The number of ids."""
        return max(self._ids, self.padding + 1)

    def read(self, text: str, length: int, keep: Keep) -> Tokens:
        """Tokenize *text*; special tokens around it are kept, as far as *length* goes."""
        ids, special = self._encoded(text)
        unknown = 0 if self._unknown is None else ids.count(self._unknown)
        tokens = len(ids) - sum(special)
        if len(ids) > length:
            ids = _shortened(ids, special, length, keep)
        return ids, tokens, tokens - unknown

    @property
    def bucket_names(self) -> tuple[str, ...]:
        """`other` and a number: ids say nothing of frequency."""
        return shared_names()

    @cached_property
    def bucket_of(self) -> Array:
        """The group of each id, `int64[size]`; padding and special tokens are not counted."""
        added = self._library.get_added_tokens_decoder()
        special = [number for number, token in added.items() if token.special]
        return shared_buckets(self.size, [self.padding, *special])

    def to_state(self) -> dict[str, Any]:
        """Return the file's content and the padding as JSON values."""
        return {"definition": self.definition, "padding": self.padding}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> "TokenizerFile":
        """Read what `to_state` returned; raises ValueError, KeyError, TypeError or ContractError."""
        return cls(states.text(state, "definition"), states.given(state, "padding"))

    @cached_property
    def _library(self) -> "Library":
        library = _loaded(self.definition)
        library.no_padding()
        library.no_truncation()
        return library

    @cached_property
    def _ids(self) -> int:
        return _count(self._library)

    @cached_property
    def _unknown(self) -> int | None:
        model = json.loads(self.definition)["model"]
        token = model.get("unk_token")
        return model.get("unk_id") if token is None else self._library.token_to_id(token)

    def _encoded(self, text: str) -> tuple[list[int], list[int]]:
        """Return the ids of *text*, and of each whether it is one that was put around it; raises ValueError."""
        try:
            encoding = self._library.encode(_paired(text))
        except BaseException as error:
            raise _as_value_error(error, "the tokenizer failed") from error
        return encoding.ids, encoding.special_tokens_mask


def _loaded(definition: str) -> "Library":
    """Load a file's content; raises ValueError, or ContractError where the package is missing."""
    if len(definition) > MOST_CHARACTERS:
        raise ValueError(f"expected a tokenizer.json of at most {MOST_CHARACTERS:,} characters, got more")
    try:
        from tokenizers import Tokenizer as Library
    except ImportError as error:
        raise ContractError(
            "the contract has a tokenizer.json, for which the package 'tokenizers' is missing: "
            "install it, or plumbline with its extra 'tokenizers'"
        ) from error
    try:
        library = Library.from_str(definition)
    except BaseException as error:
        raise _as_value_error(error, "expected a tokenizer.json") from error
    _check_model(library)
    return library


def _check_model(library: "Library") -> None:
    name = type(library.model).__name__
    if name not in MODELS:
        raise ValueError(f"expected a tokenizer.json of {', '.join(MODELS)}, got {name}")
    if getattr(library.model, "dropout", None):
        raise ValueError("expected a tokenizer.json without dropout, by which a text gets other ids each time")


def _count(library: "Library") -> int:
    """Return the number of ids, some of which may be unused."""
    return 1 + max(library.get_vocab().values(), default=-1)


def _as_value_error(error: BaseException, what: str) -> BaseException:
    """Return what the library raised as ValueError: a panic of its is no Exception. Others pass as they are."""
    if isinstance(error, Exception) or type(error).__name__ == "PanicException":
        return ValueError(f"{what}: {error}"[:500])
    return error


def _paired(text: str) -> str:
    """Return *text* without halves of surrogate pairs, which JSON may hold."""
    try:
        text.encode()
        return text
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _shortened(ids: list[int], special: list[int], length: int, keep: Keep) -> list[int]:
    """Return *length* ids with the special ones before and behind the text, as the library truncates."""
    begin = special.index(0) if 0 in special else len(special)
    end = len(special) - special[::-1].index(0) if 0 in special else len(special)
    room = max(0, length - begin - (len(ids) - end))
    own = ids[begin:end]
    own = own[:room] if keep == "beginning" else own[len(own) - room :]
    return (ids[:begin] + own + ids[end:])[:length]
