"""Slices: instances with one value of a field, or with values between two bounds."""

from collections.abc import Iterator, Mapping
from math import isfinite
from typing import Any

from serving.contract import Contract
from serving.contract.reference import Continuous
from serving.replay.statistics import Tally

MOST_VALUES = 100
"""Of a field; the instances of others are counted together."""
OTHERS = "other values"
MISSING = "missing"
_LENGTH = 40

Slice = tuple[str, str]
"""A field, and what its values have in common."""


class Slices:
    """Tells of each slice how many of its instances are answered alike."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._bins = {it.name: it for it in (contract.reference.columns if contract.reference else ())}
        self._values: dict[str, set[str]] = {}
        self.tallies: dict[Slice, Tally] = {}

    def add(self, instance: Any, agrees: bool, weight: float) -> None:
        """Count an instance in each of its slices."""
        values = instance if isinstance(instance, Mapping) else {}
        for name in self._contract.record.fields:
            for part in self._parts(name, values.get(name)):
                self.tallies.setdefault((name, self._bounded(name, part)), Tally()).add(float(agrees), weight)

    def _parts(self, name: str, value: Any) -> Iterator[str]:
        kind = self._contract.record.fields[name].kind
        if value is None:
            yield MISSING
        elif kind == "text" and isinstance(value, str):
            yield _length(len(value))
        elif kind in ("category", "number") and isinstance(value, bool | str):
            yield str(value).lower() if isinstance(value, bool) else value[:_LENGTH]
        elif kind == "tags" and isinstance(value, list):
            yield from (str(each)[:_LENGTH] for each in value)
        elif isinstance(value, int | float) and isfinite(value):
            yield from self._number(name, kind, value)

    def _number(self, name: str, kind: str, value: float) -> Iterator[str]:
        if kind == "category":
            yield f"{value:g}"
        elif bins := self._bins.get(name):
            yield _between(bins, value)

    def _bounded(self, name: str, part: str) -> str:
        known = self._values.setdefault(name, set())
        if part not in known and len(known) >= MOST_VALUES:
            return OTHERS
        known.add(part)
        return part


def _length(characters: int) -> str:
    """Return the length of a text, within a factor of 2."""
    if characters < 2:
        return f"{characters} characters"
    low = 1 << (characters.bit_length() - 1)
    return f"{low} to {2 * low - 1} characters"


def _between(bins: Continuous, value: float) -> str:
    """Return the bin of training's values, whose upper bound is within."""
    below = [edge for edge in bins.edges if edge < value]
    above = bins.edges[len(below)] if len(below) < len(bins.edges) else None
    if above is None:
        return f"over {below[-1]:g}" if below else "any"
    return f"{below[-1]:g} to {above:g}" if below else f"up to {above:g}"
