"""Measuring instances and scores by a contract, and making the reference that they are compared with."""

from collections.abc import Sequence
from typing import Any

from serving.contract.arrays import Array
from serving.contract.contract import Contract
from serving.contract.outputs import Output
from serving.contract.preprocessors import Preprocessor
from serving.contract.reference import Measures, Reference

_ROWS = 512
"""Number of instances prepared at a time: the pixels of all images would not fit into memory."""
_ENOUGH = 10_000
"""Of more than twice as many rows, only every second, third, ... is taken: all would take longer and add nothing."""


def fit_reference(preprocessor: Preprocessor, output: Output, instances: Sequence[Any], scores: Array) -> Reference:
    """Take the inputs of *instances* that the model was trained on, and *scores* of rows that it was not.

    `scores: float32[n, width]`. A model is surer of rows that it has learned, so their scores would make every new
    input look like drift.
    """
    instances = instances[:: max(1, len(instances) // _ENOUGH)]
    parts = [
        measure_inputs(preprocessor, instances[start : start + _ROWS]) for start in range(0, len(instances), _ROWS)
    ]
    outputs = output.measured(scores)
    return Reference.fit(preprocessor.measures, Measures.joined(parts), preprocessor.categories).beside(
        Reference.fit(output.measures, outputs, output.categories)
    )


def measure_inputs(preprocessor: Preprocessor, instances: Sequence[Any]) -> Measures:
    """Measure raw instances; raises InvalidFields."""
    _, measures = preprocessor.measured([preprocessor.decode(instance) for instance in instances])
    return measures


def input_reference(contract: Contract) -> Reference | None:
    """Return the reference of the inputs alone, for where there are no scores."""
    if contract.reference is None:
        return None
    columns = contract.reference.columns[: len(contract.preprocessor.measures)]
    totals = tuple(it for it in contract.reference.totals if it.name in contract.preprocessor.categories)
    return Reference(columns, totals)
