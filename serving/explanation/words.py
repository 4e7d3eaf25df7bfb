"""The words of a text, which are left out one by one, or several that stand side by side."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import pairwise
from typing import Any

from serving.contract.encoders.tokenizers.unicode_splitting import KATAKANA, lone_letters, marks


@dataclass(frozen=True)
class Words:
    """A *text* whose parts go from each of *starts* to the end of a word. Without any words *blank* stands for it.

    A part is left out with the space before it, what is kept stays as it is.
    """

    field: str
    text: str
    spans: Sequence[tuple[int, int]]
    blank: str

    @cached_property
    def places(self) -> Sequence[Mapping[str, Any]]:
        """Where each part begins and ends, in code points, and what it says."""
        return [{"start": start, "end": end, "text": self.text[start:end]} for start, end in self.spans]

    @cached_property
    def _pieces(self) -> list[str]:
        ends = [end for _, end in self.spans]
        return [self.text[start:end] for start, end in zip([0, *ends], [*ends, len(self.text)], strict=True)]

    def value(self, kept: Sequence[bool]) -> str:
        """Return the text with the parts that are *kept*."""
        if not any(kept):
            return self.blank
        *words, rest = self._pieces
        return "".join(word for word, is_kept in zip(words, kept, strict=True) if is_kept) + rest


def words_of(field: str, text: str, blank: str, most: int) -> Words:
    """Part a text into its words, or into *most* runs of them that have equally many.

    A word is what stands between spaces; where a script puts none between words, each letter is one.
    """
    spans = [match.span() for match in _word().finditer(text)]
    count = min(len(spans), most)
    bounds = [len(spans) * number // count for number in range(count + 1)] if count else [0]
    runs = [(spans[first][0], spans[end - 1][1]) for first, end in pairwise(bounds)]
    return Words(field, text, runs, blank)


@cache
def _word() -> re.Pattern[str]:
    lone = lone_letters()
    return re.compile(f"[{lone}][{marks()}]*|[{KATAKANA}]+|[^\\s{lone}{KATAKANA}]+")
