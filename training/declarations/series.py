"""What recipe suits windows of a series, where the file does not say otherwise."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from training.data.datasets import Dataset
from training.data.records import is_gap
from training.declarations.declaration import RecipePart

_RECIPE = "convolutions"
_SETTINGS: Mapping[str, Any] = {"units": [], "relative": True, "patience": 0}
_OF_RECIPE: Mapping[str, Mapping[str, Any]] = {
    "convolutions": {"convolutions": [16, 16], "kernel": 5},
    "recurrent": {"state": 16},
}
"""As measured on weekly carbon dioxide, with gaps and a trend: see the example `co2`."""
_STEPS = 2_250
"""The steps that training takes there; with other numbers of windows it takes as many, within bounds of epochs."""
_EPOCHS = (10, 200)
_BATCHES = ((1_000, 16, 0.005), (50_000, 32, 0.003))
"""Size of a batch and learning rate by the number of windows."""


def for_series(part: RecipePart, data: Dataset) -> RecipePart:
    """Return *part* with what suits windows: each is seen relative to its last value, for series that trend."""
    name = part.name or _RECIPE
    if name not in ("mixed", "recurrent", "convolutions"):
        return part
    rows = (row for part in (data.train, data.test) for row in part.instances)
    gaps = any(is_gap(value) for row in rows for value in row.values() if isinstance(value, list))
    batch, rate = next(((size, rate) for most, size, rate in _BATCHES if len(data.train) < most), (256, 0.003))
    epochs = min(max(_STEPS * batch // len(data.train), _EPOCHS[0]), _EPOCHS[1])
    sizes = {"skip_zeros": gaps, "batch_size": batch, "epochs": epochs, "rate": rate}
    return replace(part, name=name, settings={**_SETTINGS, **sizes, **_OF_RECIPE.get(name, {}), **part.settings})
