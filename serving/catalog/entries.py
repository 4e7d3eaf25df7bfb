"""The catalog's entries, one for each model, and how they follow what is found in a folder."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

from serving.catalog.state import ModelState
from serving.catalog.weights import EVEN, ModelWeights, Weights
from serving.registry.finding import Found, Stamps, is_replaced


@dataclass(eq=False)
class Entry:
    """A model's *state*, which refreshes replace one at a time, each with the *lock*; the last one *started* then.

    *is_awaited* says that readiness waits for it. *weights* change at any time, also while a refresh takes long.
    """

    state: ModelState
    stamps: Stamps = field(default_factory=dict)
    is_awaited: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)
    started: float = 0.0
    _swapping: threading.Lock = field(default_factory=threading.Lock)

    @staticmethod
    def of(model: str, weights: Weights, is_awaited: bool = False) -> "Entry":
        """Make the entry of a model that was not contacted yet."""
        return Entry(ModelState(weights=weights.get(model, EVEN)), is_awaited=is_awaited)

    def swap(self, after: ModelState) -> tuple[ModelState, ModelState]:
        """Replace the state but for its weights. Return that before and that after."""
        with self._swapping:
            before, self.state = self.state, after.weighed(self.state.weights)
            return before, self.state

    def weigh(self, weights: ModelWeights) -> tuple[ModelState, ModelState]:
        """Replace the weights. Return the state before and that after."""
        with self._swapping:
            before, self.state = self.state, self.state.weighed(weights)
            return before, self.state


def followed(before: Mapping[str, Entry], found: Found, weights: Weights) -> dict[str, Entry]:
    """Return the entries for what was found: those from *before*, and new ones for what is new or was replaced."""
    after = {}
    for model, stamps in found.models.items():
        entry = before.get(model)
        if entry is None or is_replaced(entry.stamps, stamps):
            entry = Entry.of(model, weights)
        entry.stamps = stamps
        after[model] = entry
    return after
