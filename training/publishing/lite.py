"""The lite form of a model: the graph that is served, converted for LiteRT, if it computes the same there."""

import hashlib
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import tensorflow as tf

from serving.contract import Answers, Features, Record
from serving.contract.arrays import Array
from serving.process.quiet_import import EVERYTHING, quiet_import
from serving.runtime.errors import ServingError
from serving.runtime.lite import LiteEngine
from training.data.datasets import Instance
from training.data.features import read
from training.data.instances import Selected, walk
from training.experiments.served_graph import outputs_of

ROWS = 1000
"""The number of training rows on which both forms must agree."""

_PIECE = 64
"""Rows whose features are held at a time."""
_LACKING = re.compile(r"TF (?:Select|Custom) ops: ([\w, ]+)")


class LeftOut(Exception):
    """Why a model has no lite form; the message continues "it has no lite form: "."""


@dataclass(frozen=True)
class Lite:
    """The content of the file, or None, and the *facts* for the contract's provenance."""

    document: bytes | None
    facts: Mapping[str, Any]

    @property
    def told(self) -> str:
        """One line about it."""
        if self.document is None:
            return f"no lite form, TensorFlow computes it: {self.facts['left_out']}"
        return (
            f"lite form, {len(self.document) / 1e6:.1f} MB: the same answers for {self.facts['rows']} rows, scores "
            f"differ by at most {self.facts['largest_difference']:.1g}"
        )


@dataclass(frozen=True)
class Original:
    """What is served, and what is converted, the same in operations that LiteRT has: each a `tf.function`.

    The scores of both forms may differ by *tolerance*, their answers may not.
    """

    served: Any
    converted: Any
    answers: Answers
    tolerance: float


def lite_of(original: Original, batches: Iterable[Features]) -> Lite:
    """Convert *original*, and compare both forms on *batches*."""
    try:
        document = converted(original)
        rows, difference = _compare(original, lite_engine(document), batches)
    except (LeftOut, ServingError) as error:
        return Lite(None, {"left_out": str(error)})
    digest = hashlib.sha256(document).hexdigest()
    return Lite(document, {"sha256": digest, "rows": rows, "largest_difference": difference})


def lite_engine(document: bytes) -> LiteEngine:
    """Return what computes a lite form, as in a gateway. Raise ServingError."""
    return LiteEngine(document)


def converted(original: Original) -> bytes:
    """Return the graph as LiteRT reads it. Raise LeftOut."""
    function = original.converted.get_concrete_function()
    module = tf.Module()
    module.held = list(function.variables)  # given a Keras model instead, the converter writes garbage for its weights
    try:
        with quiet_import(EVERYTHING):  # errors are raised as well
            document: bytes = tf.lite.TFLiteConverter.from_concrete_functions([function], module).convert()
    except Exception as error:  # the converter raises anything, and the layers are anyone's
        raise LeftOut(_reason(str(error))) from error
    return document


def feature_batches(record: Record, instances: Sequence[Instance]) -> Iterator[Features]:
    """Yield the features of ROWS of *instances*, evenly spaced, or of all: one alone, as requests come, then many."""
    chosen = np.unique(np.linspace(0, len(instances) - 1, min(ROWS, len(instances))).astype(np.int64))
    for part, size in ((chosen[:1], 1), (chosen[1:], _PIECE)):
        for _, piece in walk(Selected(instances, part), size):
            yield record.encode(read(record, piece))


def pieces_of(features: Features) -> Iterator[Features]:
    """Yield *features* as `feature_batches` does: one row alone, then many."""
    count = len(next(iter(features.values())))
    for start, end in pairwise([0, *range(1, count, _PIECE), count]):
        yield {name: array[start:end] for name, array in features.items()}


def _compare(original: Original, engine: LiteEngine, batches: Iterable[Features]) -> tuple[int, float]:
    """Return the number of rows and the largest difference of scores. Raise LeftOut or ServingError."""
    rows, largest = 0, 0.0
    for features in batches:
        expected, got = outputs_of(original.served, features), engine.compute(features)
        count = len(next(iter(features.values())))
        if problem := original.answers.misfit(got, count):
            raise LeftOut(problem)
        largest = max(largest, *(_distance(got[name], expected[name]) for name in expected))
        if not largest <= original.tolerance:
            raise LeftOut(f"its scores are off by {largest:.2g}, and may be by {original.tolerance:g}")
        if differing := original.answers.differing(got, expected):
            raise LeftOut(f"its answer to training row {rows + differing[0]} is another")
        rows += count
    return rows, largest


def _distance(got: Array, expected: Array) -> float:
    if not np.array_equal(np.isfinite(got), np.isfinite(expected)):
        return math.inf
    return float(np.max(np.abs(got - expected), where=np.isfinite(expected), initial=0.0))


def _reason(message: str) -> str:
    """Return the operations that LiteRT lacks, or else the first line of what the converter said."""
    lacking = sorted({name.strip() for names in _LACKING.findall(message) for name in names.split(",")})
    if lacking:
        return f"LiteRT has no operation for {', '.join(lacking)}"
    return next((line.strip()[:300] for line in message.splitlines() if line.strip()), "the converter failed")
