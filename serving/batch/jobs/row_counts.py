"""The statistics of rows. Those of parts, added in any order, are those of the whole."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

from serving.contract.arrays import Array
from serving.prediction.predictor import Prediction


@dataclass
class Statistics:
    """Answered and rejected rows, answers by label or tag, and the total, least and largest of values.

    *window* has the rows' counts by the bins of the contract's reference, as `Reference.count` makes them; None without
    a reference. Each part keeps its statistics, so that a resumed run and a merge of shards count every row once.
    """

    rows: int = 0
    rejected: int = 0
    labels: dict[str, int] = field(default_factory=dict)
    total: float = 0.0
    least: float | None = None
    largest: float | None = None
    window: Array | None = None

    def count(self, prediction: Prediction, rejected: int) -> None:
        """Count answers and rejected rows."""
        answers = prediction.answers
        self.rows += len(answers)
        self.rejected += rejected
        if prediction.reference and prediction.measures:
            self.window = prediction.reference.count(prediction.measures)
        if not answers:
            return
        for label in prediction.heads.names_in(answers):
            self.labels[label] = self.labels.get(label, 0) + 1
        if prediction.heads.only is None or prediction.heads.columns.get("value") != "number":
            return
        values = [answer["value"] for answer in answers]
        self._widen(sum(values), min(values), max(values))

    def add(self, other: "Statistics") -> None:
        """Add the counts of other rows."""
        self.rows += other.rows
        self.rejected += other.rejected
        for label, count in other.labels.items():
            self.labels[label] = self.labels.get(label, 0) + count
        if other.window is not None:
            self.window = other.window if self.window is None else self.window + other.window
        if other.least is not None and other.largest is not None:
            self._widen(other.total, other.least, other.largest)

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {**vars(self), "window": None if self.window is None else self.window.tolist()}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Read the JSON that `to_json` returns."""
        window = document["window"]
        return cls(**{**document, "window": None if window is None else np.array(window)})

    def _widen(self, total: float, least: float, largest: float) -> None:
        self.total += total
        self.least = least if self.least is None else min(self.least, least)
        self.largest = largest if self.largest is None else max(self.largest, largest)
