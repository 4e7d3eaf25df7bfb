"""What is left out of an instance: the words of texts, patches of pictures, and every other field as a whole."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

from serving.contract import Contract
from serving.contract.encoders import Encoder, Picture
from serving.contract.encoders.framing import Size
from serving.explanation.absent import blank, typical
from serving.explanation.patches import Patches, patches_of
from serving.explanation.words import Words, words_of

MOST_WORDS = 64
"""The parts of a text, or of all texts of an instance; of more words, neighbours are left out together."""
MOST_SIDE = 7
"""The patches of a picture, along each side."""
_PREDICTIONS_A_PART = 4


class FieldParts(Protocol):
    """The parts of one field."""

    @property
    def field(self) -> str:
        """The field's name."""
        ...

    @property
    def places(self) -> Sequence[Mapping[str, Any]]:
        """What is said of each part, as JSON values, in the order in which they are read."""
        ...

    def value(self, kept: Sequence[bool]) -> Any:
        """Return the field's value with the parts that are *kept*."""
        ...


@dataclass(frozen=True)
class Whole:
    """A field that is one part: *reference* stands for it where it is left out."""

    field: str
    given: Any
    reference: Any

    @property
    def places(self) -> Sequence[Mapping[str, Any]]:
        """The value, unless it is a file, and what stands for it."""
        return ({"value": None if isinstance(self.given, bytes) else self.given, "reference": self.reference},)

    def value(self, kept: Sequence[bool]) -> Any:
        """Return the value, or what stands for it."""
        return self.given if kept[0] else self.reference


@dataclass(frozen=True)
class Parts:
    """The parts of an *instance*, field by field. A subset of them is a number with a bit for each that is *varied*.

    A field whose value is just what would stand for it is kept always, and carries nothing.
    """

    instance: Mapping[str, Any]
    fields: Sequence[FieldParts]

    @cached_property
    def places(self) -> list[tuple[str, Mapping[str, Any]]]:
        """The field and the place of each part, in the order of reading."""
        return [(each.field, place) for each in self.fields for place in each.places]

    @cached_property
    def varied(self) -> list[int]:
        """The numbers of the parts that may be left out."""
        return [
            number
            for number, (_, place) in enumerate(self.places)
            if "reference" not in place or place["value"] != place["reference"]
        ]

    @property
    def pictures(self) -> list[tuple[str, Size]]:
        """The fields with a picture, and how large it is."""
        return [(each.field, each.picture) for each in self.fields if isinstance(each, Patches)]

    def with_only(self, subset: int) -> dict[str, Any]:
        """Return the instance with those parts alone."""
        kept = [True] * len(self.places)
        for bit, number in enumerate(self.varied):
            kept[number] = bool(subset >> bit & 1)
        instance, start = dict(self.instance), 0
        for each in self.fields:
            end = start + len(each.places)
            instance[each.field] = each.value(kept[start:end])
            start = end
        return instance


def least_budget(contract: Contract) -> int:
    """Return how many predictions suffice for instances of any size: large ones have larger parts then."""
    return 2 * len(contract.record.fields) + 2


def parts_of(contract: Contract, instance: Mapping[str, Any], budget: int) -> Parts:
    """Part an *instance* that fits the contract, for which there are at least `least_budget` predictions.

    Texts and pictures get so many parts that for each of them there are four, which are two pairs of permutations. A
    field that is missing in the instance has none. Raises DeadlinePassed or TooManyPictures.
    """
    given = [name for name in instance if instance[name] is not None]
    divided = [name for name in given if contract.record.fields[name].control in ("text", "picture")]
    texts = sum(contract.record.fields[name].control == "text" for name in divided)
    each = max(1, (budget - 2 * (len(given) - len(divided))) // _PREDICTIONS_A_PART // max(1, len(divided)))
    words, side = min(each, max(1, MOST_WORDS // max(1, texts))), min(MOST_SIDE, math.isqrt(each))
    return Parts(instance, [_parted(contract, name, instance[name], words, side) for name in given])


def _parted(contract: Contract, name: str, value: Any, words: int, side: int) -> FieldParts:
    encoder = contract.record.fields[name]
    if isinstance(encoder, Picture):
        return patches_of(name, encoder, value, side)
    return _words(name, encoder, value, words) or Whole(name, value, typical(contract, name, value))


def _words(name: str, encoder: Encoder, value: Any, most: int) -> Words | None:
    if encoder.control != "text" or (without := blank(encoder)) is None:
        return None
    return words_of(name, value, without, most)
