"""Bringing arrays of any length to one: what is too short is filled up, what is too long is cut."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from serving.contract import states
from serving.contract.arrays import Array

End = Literal["beginning", "end"]


@dataclass(frozen=True)
class Padding:
    """The *value* that is put in at the end or beginning that *pad* says; what is too long loses that of *cut*."""

    value: float = 0.0
    pad: End = "end"
    cut: End = "end"

    def __post_init__(self) -> None:
        for name, end in (("pad", self.pad), ("cut", self.cut)):
            if end not in get_args(End):
                raise states.Misfit(name, f"expected beginning or end, got {end!r}")
        if not abs(self.value) <= np.finfo(np.float32).max:
            raise ValueError(f"padding: expected a finite number that float32 holds, got {self.value}")

    def words(self, length: int) -> str:
        """Return in words what becomes of arrays of another *length*."""
        return f"shorter than {length:,} is filled up at the {self.pad}, longer is cut at the {self.cut}"

    def cut_to(self, length: int, items: Array) -> Array:
        """Return at most *length* of *items*."""
        return items[:length] if self.cut == "end" else items[max(0, len(items) - length) :]

    def filled(self, shape: Sequence[int], items: Array, lengths: Sequence[int]) -> Array:
        """Put the *items* of all rows, so many for each as *lengths* say, into `float32[rows, *shape]`."""
        block = np.full((len(lengths), *shape), self.value, np.float32)
        places, counts = np.arange(shape[0]), np.array(lengths, np.int64)[:, None]
        block[places < counts if self.pad == "end" else places >= shape[0] - counts] = items
        return block

    def to_state(self) -> dict[str, Any]:
        """Return the state as JSON values."""
        return {"value": self.value, "pad": self.pad, "cut": self.cut}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> "Padding":
        """Read what `to_state` returned; raises ValueError, KeyError or TypeError."""
        ends = (states.choice(state, name, get_args(End)) for name in ("pad", "cut"))
        return cls(states.finite(state, "value"), *ends)
