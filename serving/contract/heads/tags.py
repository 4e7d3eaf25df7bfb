"""Tags: a score for each of some tags, any of which may hold -> those above their thresholds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from serving.contract import states
from serving.contract.arrays import Array, TensorSpec
from serving.contract.heads.head import ColumnType
from serving.contract.heads.words import check_names, closed, measure_name, scores_by_name
from serving.contract.reference import Measures


@dataclass(frozen=True)
class TagSet:
    """Those of *names* whose sigmoid score reaches their own of *thresholds*, best first; maybe none."""

    names: tuple[str, ...]
    thresholds: tuple[float, ...]
    kind: ClassVar[str] = "tags"
    columns: ClassVar[Mapping[str, ColumnType]] = {"tags": "texts", "scores": "scores"}

    def __post_init__(self) -> None:
        check_names(self.names)
        if len(self.thresholds) != len(self.names) or not all(0 <= threshold <= 1 for threshold in self.thresholds):
            raise states.Misfit("thresholds", f"expected {len(self.names)} numbers from 0 to 1, one for each name")

    @property
    def output(self) -> TensorSpec:
        """A score for each tag."""
        return TensorSpec("float32", (None, len(self.names)))

    @property
    def facts(self) -> Mapping[str, Any]:
        """The tags, and from what score on each holds."""
        return {"tags": self.names, "thresholds": dict(zip(self.names, self.thresholds, strict=True))}

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON schema of one answer."""
        tags = {
            "type": "array",
            "items": {"type": "string", "enum": list(self.names)},
            "uniqueItems": True,
            "description": "those whose score reaches the threshold that was chosen for them, best first",
        }
        return closed({"tags": tags, "scores": scores_by_name(self.names, len(self.names))})

    def answers(self, values: Array) -> list[dict[str, Any]]:
        """Make `{"tags", "scores"}` for each row of `values: float32[batch, tags]`; scores in the order of names."""
        rows = zip(values.astype(np.float64).tolist(), self._reached(values), strict=True)
        return [self._answer(scores, np.flatnonzero(reached).tolist()) for scores, reached in rows]

    def _answer(self, scores: list[float], reached: list[int]) -> dict[str, Any]:
        best = sorted(reached, key=scores.__getitem__, reverse=True)
        rounded = {name: round(score, 7) for name, score in zip(self.names, scores, strict=True)}
        return {"tags": [self.names[index] for index in best], "scores": rounded}

    def differing(self, values: Array, expected: Array) -> Sequence[int]:
        """Return the rows that have other tags."""
        return np.flatnonzero((self._reached(values) != self._reached(expected)).any(axis=1)).tolist()

    def measures(self, prefix: str) -> tuple[str, ...]:
        """Return the names of the best score and of the number of tags."""
        return measure_name(prefix, "score"), measure_name(prefix, "tags")

    def categories(self, prefix: str) -> Mapping[str, Sequence[str]]:
        """Return the tags, by the name of their count."""
        return {measure_name(prefix, "tag"): self.names}

    def measured(self, prefix: str, values: Array) -> Measures:
        """Count the tags, and measure the best score and how many tags there are."""
        reached = self._reached(values)
        columns = np.stack((values.max(axis=1), reached.sum(axis=1)), axis=1).astype(np.float64)
        return Measures(columns, {measure_name(prefix, "tag"): reached.sum(axis=0).astype(np.float64)})

    def to_state(self) -> dict[str, Any]:
        """Return the state as JSON values."""
        return {"names": list(self.names), "thresholds": list(self.thresholds)}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> "TagSet":
        """Read what `to_state` returned; raises ValueError, KeyError or TypeError if it is another."""
        return cls(states.texts(state, "names"), states.finites(state, "thresholds"))

    def _reached(self, values: Array) -> Array:
        reached: Array = values.astype(np.float64) >= np.array(self.thresholds)
        return reached
