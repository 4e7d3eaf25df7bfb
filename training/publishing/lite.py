"""The lite form of a model: the graph that is served, converted for LiteRT, if it computes the same there."""

import hashlib
import math
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, Literal

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

Weights = Literal["float32", "int8", "none"]
"""The type of the weights in the file, or that there is to be none. With int8 it computes something else."""

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
        others = self.facts["other_answers"]
        answers = f"{others} other answers" if others else "the same answers"
        return (
            f"lite form, {len(self.document) / 1e6:.1f} MB, {self.facts['weights']}: {answers} for "
            f"{self.facts['rows']} training rows, scores differ by at most {self.facts['largest_difference']:.1g}"
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


@dataclass(frozen=True)
class Agreement:
    """How far both forms agree on *rows*; *other_answers* counts those with another answer."""

    rows: int = 0
    largest_difference: float = 0.0
    other_answers: int = 0


def lite_of(original: Original, batches: Iterable[Features], weights: Weights = "float32") -> Lite:
    """Convert *original*, and compare both forms on *batches*.

    With weights in int8 scores and answers may differ as they like: how much is among the facts.
    """
    try:
        if weights == "none":
            raise LeftOut("none was asked for")
        document = converted(original, weights)
        agreement = _compare(original, lite_engine(document), batches, limited=weights == "float32")
    except (LeftOut, ServingError) as error:
        return Lite(None, {"left_out": str(error)})
    digest = hashlib.sha256(document).hexdigest()
    return Lite(document, {"sha256": digest, "weights": weights, **asdict(agreement)})


def lite_engine(document: bytes) -> LiteEngine:
    """Return what computes a lite form, as in a gateway. Raise ServingError."""
    return LiteEngine(document)


def converted(original: Original, weights: Weights = "float32") -> bytes:
    """Return the graph as LiteRT reads it. Raise LeftOut."""
    function = original.converted.get_concrete_function()
    module = tf.Module()
    module.held = list(function.variables)  # given a Keras model instead, the converter writes garbage for its weights
    try:
        with quiet_import(EVERYTHING):  # errors are raised as well
            converter = tf.lite.TFLiteConverter.from_concrete_functions([function], module)
            if weights == "int8":
                converter.optimizations = [tf.lite.Optimize.DEFAULT]
            document: bytes = converter.convert()
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


def _compare(original: Original, engine: LiteEngine, batches: Iterable[Features], limited: bool) -> Agreement:
    """Compare both forms. Raise LeftOut if they disagree and that is *limited*, or ServingError."""
    found = Agreement()
    for features in batches:
        expected, got = outputs_of(original.served, features), engine.compute(features)
        count = len(next(iter(features.values())))
        if problem := original.answers.misfit(got, count):
            raise LeftOut(problem)
        differing = original.answers.differing(got, expected)
        distance = max(_distance(got[name], expected[name]) for name in expected)
        if not distance <= (original.tolerance if limited else sys.float_info.max):
            raise LeftOut(f"its scores are off by {distance:.2g}, and may be by {original.tolerance:g}")
        if limited and differing:
            raise LeftOut(f"its answer to training row {found.rows + differing[0]} is another")
        found = Agreement(
            found.rows + count, max(found.largest_difference, distance), found.other_answers + len(differing)
        )
    return found


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
