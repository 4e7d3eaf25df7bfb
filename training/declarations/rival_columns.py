"""What scikit-learn's models see of a row: numbers with their gaps, numbered categories, and texts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from serving.contract.encoders import Encoder
from serving.contract.encoders.fitting import plain_values
from serving.contract.faults import Faults
from training.data.datasets import Dataset, Instance
from training.declarations.declaration import FieldPart
from training.declarations.fields import encoder_fit

MOST_CATEGORIES = 255
"""More than these, HistGradientBoosting does not take: the rarer ones count as missing."""
_OF_CHARACTERS = ("characters", "hashed_ngrams")
_ENCODED = ("date", "tags", "array")


@dataclass(frozen=True)
class Columns:
    """Makes the columns of instances.

    *numbers* stand as they are, NaN where one is missing; what *encoded* has is encoded as for the network, since
    scikit-learn knows no dates, tags and arrays; *categories* have a number for each value, by the field's name.
    *texts* says of each whether it has no words that spaces separate.
    """

    numbers: tuple[str, ...]
    encoded: Mapping[str, Encoder]
    categories: Mapping[str, Mapping[Any, int]]
    texts: Mapping[str, bool]

    @classmethod
    def fit(cls, data: Dataset, train: Sequence[Instance], fields: Mapping[str, FieldPart]) -> "Columns":
        """Fit to the instances *train* of *data*. Raises ValueError if an encoder can't be fitted."""

        def named(*kinds: str) -> tuple[str, ...]:
            return tuple(name for name, field in fields.items() if field.kind in kinds)

        encoded = {
            name: encoder_fit(name, fields[name], data, None)(plain_values(row.get(name) for row in train))
            for name in named(*_ENCODED)
        }
        categories = {name: _numbered(train, name) for name in named("category")}
        texts = {name: fields[name].options.get("tokenizer") in _OF_CHARACTERS for name in named("text")}
        return cls(named("number"), encoded, categories, texts)

    def table(self, instances: Sequence[Instance]) -> np.ndarray:
        """Return all but the texts, the categories last: `float64[n, columns]`."""
        numbers = [_floats(row.get(name) for row in instances) for name in self.numbers]
        blocks = [_encode(encoder, name, instances) for name, encoder in self.encoded.items()]
        categories = [
            _floats(known.get(row.get(name), None) for row in instances) for name, known in self.categories.items()
        ]
        return np.hstack([np.empty((len(instances), 0)), *numbers, *blocks, *categories])

    def categorical(self, table: np.ndarray) -> range:
        """Return which columns of the *table* are categories."""
        return range(table.shape[1] - len(self.categories), table.shape[1])

    def written(self, instances: Sequence[Instance]) -> list[list[str]]:
        """Return each column of texts, "" where one is missing."""
        return [[str(row.get(name) or "") for row in instances] for name in self.texts]


def _floats(values: Any) -> np.ndarray:
    return np.array([[np.nan if value is None else float(value)] for value in values], np.float64).reshape(-1, 1)


def _encode(encoder: Encoder, name: str, instances: Sequence[Instance]) -> np.ndarray:
    values = plain_values(row.get(name) for row in instances)
    block = np.asarray(encoder.encode(encoder.read(values, Faults())), np.float64)
    return block.reshape(len(instances), -1)


def _numbered(instances: Sequence[Instance], name: str) -> Mapping[Any, int]:
    """Return a number for each category, the most frequent first."""
    counts: dict[Any, int] = {}
    for row in instances:
        if row.get(name) is not None:
            counts[row[name]] = counts.get(row[name], 0) + 1
    ranked = sorted(counts, key=lambda value: -counts[value])
    return {value: number for number, value in enumerate(ranked[:MOST_CATEGORIES])}
