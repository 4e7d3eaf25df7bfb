"""One answer of a model, with a typed property for whatever a head may say."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from serving.client.errors import UnexpectedReply


@dataclass(frozen=True)
class Answer:
    """What *version* of *model* answered. *json* is the answer as it came; the properties read it.

    A property that this model's answers do not have raises AttributeError, one of the wrong type UnexpectedReply.
    The answer of a model with several heads holds one answer for each: `answer["price"].value`.
    """

    model: str
    version: int
    request_id: str
    json: Mapping[str, Any]
    head: str = ""

    @property
    def label(self) -> str:
        """The best label."""
        return self._text("label", self._member("label"))

    @property
    def score(self) -> float:
        """The best label's score, 0 to 1."""
        return self._number("score", self._member("score"))

    @property
    def scores(self) -> dict[str, float]:
        """Scores by label, best first, or by tag."""
        return self._numbers("scores")

    @property
    def tags(self) -> list[str]:
        """The tags whose score reaches their threshold, best first."""
        return [self._text("tags", tag) for tag in self._list("tags")]

    @property
    def value(self) -> float:
        """The number."""
        return self._number("value", self._member("value"))

    @property
    def unit(self) -> str:
        """The number's unit."""
        return self._text("unit", self._member("unit"))

    @property
    def low(self) -> float:
        """The lower end of the interval around the value."""
        return self._number("low", self._member("low"))

    @property
    def high(self) -> float:
        """The upper end of the interval around the value."""
        return self._number("high", self._member("high"))

    @property
    def values(self) -> dict[str, float]:
        """Several numbers by name."""
        return self._numbers("values")

    @property
    def vector(self) -> list[float]:
        """The numbers of an embedding."""
        return [self._number("vector", number) for number in self._list("vector")]

    def __getitem__(self, head: str) -> "Answer":
        """Return the answer of one of several heads. Raise KeyError if there is none of this name."""
        if head not in self.json:
            raise KeyError(f"expected one of {', '.join(self.json)}, got {head!r}")
        part = self.json[head]
        if not isinstance(part, dict):
            raise TypeError(f"{self._place(head)} is no head of its own: {self.model} has one head")
        return Answer(self.model, self.version, self.request_id, part, head)

    def _member(self, name: str) -> Any:
        if name not in self.json:
            raise AttributeError(f"{self._place(name)}: expected one of {', '.join(self.json)}")
        return self.json[name]

    def _text(self, name: str, value: Any) -> str:
        if not isinstance(value, str):
            raise self._unexpected(name, "text", value)
        return value

    def _number(self, name: str, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._unexpected(name, "a number", value)
        return float(value)

    def _numbers(self, name: str) -> dict[str, float]:
        numbers = self._member(name)
        if not isinstance(numbers, dict):
            raise self._unexpected(name, "numbers by name", numbers)
        return {key: self._number(f"{name}.{key}", number) for key, number in numbers.items()}

    def _list(self, name: str) -> list[Any]:
        values = self._member(name)
        if not isinstance(values, list):
            raise self._unexpected(name, "a list", values)
        return values

    def _place(self, name: str) -> str:
        return f"version {self.version}, answer {'.'.join(part for part in (self.head, name) if part)}"

    def _unexpected(self, name: str, expected: str, got: object) -> UnexpectedReply:
        error = UnexpectedReply(self.model, f"{self._place(name)}: expected {expected}, got {got!r:.60}")
        error.request_id = self.request_id
        return error
