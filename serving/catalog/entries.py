"""The catalog's entries, one for each model, and how they follow what is found in a folder."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

from serving.catalog.state import ModelState
from serving.registry.finding import Found, Stamps, is_replaced

Canary = Mapping[str, Mapping[int, float]]
"""By model and version: the percentage of the requests that name no version."""


@dataclass(eq=False)
class Entry:
    """A model's *state*, which refreshes replace one at a time, each with the *lock*; the last one *started* then.

    *is_awaited* says that readiness waits for it.
    """

    state: ModelState
    stamps: Stamps = field(default_factory=dict)
    is_awaited: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)
    started: float = 0.0

    @staticmethod
    def of(model: str, canary: Canary, is_awaited: bool = False) -> "Entry":
        """Make the entry of a model that was not contacted yet."""
        return Entry(ModelState(canary=canary.get(model, {})), is_awaited=is_awaited)


def followed(before: Mapping[str, Entry], found: Found, canary: Canary) -> dict[str, Entry]:
    """Return the entries for what was found: those from *before*, and new ones for what is new or was replaced."""
    after = {}
    for model, stamps in found.models.items():
        entry = before.get(model)
        if entry is None or is_replaced(entry.stamps, stamps):
            entry = Entry.of(model, canary)
        entry.stamps = stamps
        after[model] = entry
    return after
