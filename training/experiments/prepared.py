"""The features of rows that several fits learn from: made once for all whose records are equal."""

from typing import Any

from serving.contract import Record
from serving.contract.arrays import Features
from training.data.datasets import Part
from training.data.features import prepare


class Prepared:
    """The rows of *part*, and their features by the record that was asked for last.

    *known* has what networks have computed of these features.
    """

    def __init__(self, part: Part) -> None:
        self.part = part
        self._record: dict[str, Any] | None = None
        self._features: Features = {}
        self.known: dict[Any, Any] = {}

    def has(self, record: Record) -> bool:
        """Return whether the features by *record* have been made, by it or one that is equal."""
        return self._record == record.to_json()

    def features(self, record: Record) -> Features:
        """Return the features of the rows. Raises UnusableData."""
        if not self.has(record):
            self.forget()
            self._features, self._record = prepare(record, self.part.instances), record.to_json()
        return self._features

    def forget(self) -> None:
        """Let go of the features."""
        self._features, self._record, self.known = {}, None, {}
