"""What is left out of an instance: the words of texts, patches of pictures, and every other field as a whole."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

from serving.contract import Contract
from serving.contract.encoders import Encoder, Picture
from serving.explanation.absent import blank, typical
from serving.explanation.patches import Patches, Size, patches_of
from serving.explanation.words import Words, words_of

MOST_WORDS = 64
"""The parts of a text, or of all texts of an instance; of more words, neighbours are left out together."""
MOST_SIDE = 7
"""The patches of a picture, along each side."""


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
        """The value, and what stands for it."""
        return ({"value": self.given, "reference": self.reference},)

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


def parts_of(contract: Contract, instance: Mapping[str, Any], most: int) -> Parts:
    """Part an *instance* that fits the contract; texts and pictures get at most *most* parts each.

    A field that is missing in the instance has none. Raises DeadlinePassed or TooManyPictures.
    """
    fields = contract.record.fields
    given = [name for name in instance if instance[name] is not None]
    texts = sum(fields[name].control == "text" for name in given)
    words = max(1, min(MOST_WORDS, most) // max(1, texts))
    return Parts(instance, list(_parted(contract, instance, given, words, most)))


def _parted(
    contract: Contract, instance: Mapping[str, Any], given: Sequence[str], words: int, most: int
) -> Iterator[FieldParts]:
    for name in given:
        encoder, value = contract.record.fields[name], instance[name]
        if isinstance(encoder, Picture):
            yield patches_of(name, encoder, value, min(MOST_SIDE, max(1, int(most**0.5))))
        else:
            yield _words(name, encoder, value, words) or Whole(name, value, typical(contract, name, value))


def _words(name: str, encoder: Encoder, value: Any, most: int) -> Words | None:
    if encoder.control != "text" or (without := blank(encoder)) is None:
        return None
    return words_of(name, value, without, most)
