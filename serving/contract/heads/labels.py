"""Labels: scores of labels that exclude each other -> the best, and the scores of the best few."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from serving.contract import states
from serving.contract.arrays import Array, TensorSpec
from serving.contract.heads.head import ColumnType
from serving.contract.heads.words import check_names, closed, measure_name, scores_by_name
from serving.contract.reference import Measures

_MOST = 1_000_000


@dataclass(frozen=True)
class Labels:
    """One of *names*. Two names take one sigmoid score, that of the second; more take one softmax score each.

    An answer lists the *top* best scores, best first.
    """

    names: tuple[str, ...]
    top: int
    kind: ClassVar[str] = "labels"
    columns: ClassVar[Mapping[str, ColumnType]] = {"label": "text", "score": "number", "scores": "scores"}

    def __post_init__(self) -> None:
        check_names(self.names)
        if self.top < 1:
            raise states.Misfit("top", f"expected at least 1, got {self.top}")

    @property
    def output(self) -> TensorSpec:
        """A score for each label, or one for two."""
        return TensorSpec("float32", (None, 1 if len(self.names) == 2 else len(self.names)))

    @property
    def facts(self) -> Mapping[str, Any]:
        """The labels."""
        return {"labels": self.names}

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON schema of one answer."""
        score = {"type": "number", "minimum": 0, "maximum": 1}
        return closed(
            {
                "label": {"type": "string", "enum": list(self.names)},
                "score": score,
                "scores": scores_by_name(self.names, min(self.top, len(self.names))),
            }
        )

    def answers(self, values: Array) -> list[dict[str, Any]]:
        """Make `{"label", "score", "scores"}` for each row of `values: float32[batch, width]`."""
        return [self._answer(row) for row in self._by_label(values).tolist()]

    def differing(self, values: Array, expected: Array) -> Sequence[int]:
        """Return the rows whose label is another."""
        best, other = (self._by_label(scores).argmax(axis=1) for scores in (values, expected))
        return np.flatnonzero(best != other).tolist()

    def measures(self, prefix: str) -> tuple[str, ...]:
        """Return the name of the label's score."""
        return (measure_name(prefix, "score"),)

    def categories(self, prefix: str) -> Mapping[str, Sequence[str]]:
        """Return the labels, by the name of their count."""
        return {measure_name(prefix, "label"): self.names}

    def measured(self, prefix: str, values: Array) -> Measures:
        """Count the labels, and measure their scores."""
        by_label = self._by_label(values)
        counts = np.bincount(by_label.argmax(axis=1), minlength=len(self.names)).astype(np.float64)
        return Measures(by_label.max(axis=1)[:, None], {measure_name(prefix, "label"): counts})

    def to_state(self) -> dict[str, Any]:
        """Return the state as JSON values."""
        return {"names": list(self.names), "top": self.top}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> "Labels":
        """Read what `to_state` returned; raises ValueError, KeyError or TypeError if it is another."""
        return cls(states.texts(state, "names"), states.whole(state, "top", 1, _MOST))

    def _by_label(self, values: Array) -> Array:
        exact = values.astype(np.float64)
        return np.concatenate((1 - exact, exact), axis=1) if len(self.names) == 2 else exact

    def _answer(self, by_label: list[float]) -> dict[str, Any]:
        best = sorted(range(len(by_label)), key=by_label.__getitem__, reverse=True)[: self.top]
        scores = {self.names[index]: round(by_label[index], 7) for index in best}  # float32 has no more digits
        label = self.names[best[0]]
        return {"label": label, "score": scores[label], "scores": scores}
