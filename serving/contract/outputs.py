"""Scores -> answers: labels with their scores, or a value in the data's own unit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np

from serving.contract.arrays import Array
from serving.contract.kinds import find_kind
from serving.contract.reference import Measures


class Output(Protocol):
    """How a model's scores are read; immutable."""

    kind: ClassVar[str]

    @property
    def width(self) -> int:
        """The number of scores for an instance."""
        ...

    def answers(self, scores: Array) -> list[dict[str, Any]]:
        """Make one answer for each row of `scores: float32[batch, width]`."""
        ...

    @property
    def measures(self) -> tuple[str, ...]:
        """The names of the columns of what is measured."""
        ...

    @property
    def categories(self) -> Mapping[str, Sequence[str]]:
        """The categories of each total that is measured."""
        ...

    def measured(self, scores: Array) -> Measures:
        """Measure the answers that `answers` would make."""
        ...

    def to_state(self) -> dict[str, Any]:
        """Return the state as JSON values."""
        ...

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> "Output":
        """Read what `to_state` returned."""
        ...


@dataclass(frozen=True)
class Labels:
    """One of *names*. Two names take one sigmoid score, that of the second; more take one softmax score each.

    An answer lists the *top* best scores, best first.
    """

    names: tuple[str, ...]
    top: int
    kind: ClassVar[str] = "labels"
    measures: ClassVar[tuple[str, ...]] = ("score",)

    @property
    def width(self) -> int:
        """The number of scores for an instance."""
        return 1 if len(self.names) == 2 else len(self.names)

    def answers(self, scores: Array) -> list[dict[str, Any]]:
        """Make `{"label", "score", "scores"}` for each row of `scores: float32[batch, width]`."""
        return [self._answer(row) for row in self._by_label(scores).tolist()]

    def indices(self, scores: Array) -> Array:
        """Return the best label's index for each row of `scores: float32[batch, width]`."""
        best: Array = np.argmax(self._by_label(scores), axis=1)
        return best

    @property
    def categories(self) -> dict[str, tuple[str, ...]]:
        """What is measured by category: the label."""
        return {"label": self.names}

    def measured(self, scores: Array) -> Measures:
        """Count the labels, and measure their scores."""
        by_label = self._by_label(scores)
        labels = np.bincount(by_label.argmax(axis=1), minlength=len(self.names))
        return Measures(by_label.max(axis=1)[:, None], {"label": labels.astype(np.float64)})

    def to_state(self) -> dict[str, Any]:
        """Return the state as JSON values."""
        return {"names": list(self.names), "top": self.top}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> "Labels":
        """Read what `to_state` returned."""
        return cls(tuple(state["names"]), state["top"])

    def _by_label(self, scores: Array) -> Array:
        exact = scores.astype(np.float64)
        return np.concatenate((1 - exact, exact), axis=1) if self.width == 1 else exact

    def _answer(self, by_label: list[float]) -> dict[str, Any]:
        best = sorted(range(len(by_label)), key=by_label.__getitem__, reverse=True)[: self.top]
        scores = {self.names[index]: round(by_label[index], 7) for index in best}  # float32 has no more digits
        label = self.names[best[0]]
        return {"label": label, "score": scores[label], "scores": scores}


@dataclass(frozen=True)
class Value:
    """A number in *unit*."""

    unit: str
    kind: ClassVar[str] = "value"
    width: ClassVar[int] = 1
    measures: ClassVar[tuple[str, ...]] = ("value",)
    categories: ClassVar[Mapping[str, Sequence[str]]] = {}

    def answers(self, scores: Array) -> list[dict[str, Any]]:
        """Make `{"value", "unit"}` for each row of `scores: float32[batch, 1]`."""
        # The text of a float32 is the shortest that reads back as the same: 24.1, not 24.100000381
        return [{"value": float(str(score)), "unit": self.unit} for score in scores[:, 0]]

    def measured(self, scores: Array) -> Measures:
        """Measure the values."""
        return Measures(scores.astype(np.float64), {})

    def to_state(self) -> dict[str, Any]:
        """Return the state as JSON values."""
        return {"unit": self.unit}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> "Value":
        """Read what `to_state` returned."""
        return cls(state["unit"])


_KINDS: dict[str, type[Output]] = {Labels.kind: Labels, Value.kind: Value}


def output_to_json(output: Output) -> dict[str, Any]:
    """Return kind and state as JSON values."""
    return {"kind": output.kind, **output.to_state()}


def output_from_json(state: Mapping[str, Any]) -> Output:
    """Read what `output_to_json` returned; raises ContractError or KeyError if it is something else."""
    fitted = dict(state)
    return find_kind(_KINDS, fitted.pop("kind"), "output").from_state(fitted)
