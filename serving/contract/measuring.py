"""Measuring instances and outputs by a contract, and making the reference that they are compared with."""

from collections.abc import Sequence
from typing import Any

from serving.contract.answers import Answers, Outputs
from serving.contract.contract import Contract
from serving.contract.faults import Faults
from serving.contract.record import Record
from serving.contract.reference import Measures, Reference
from serving.errors import InvalidInstance

_ROWS = 128
"""So many images are prepared at once: their pixels would not all fit into memory."""
_ENOUGH = 10_000
"""Of more rows than twice this, every second, third, ... is taken: all would tell no more, and take longer."""


def fit_reference(record: Record, answers: Answers, instances: Sequence[Any], outputs: Outputs) -> Reference:
    """Take the inputs of *instances* that the model was trained on, and *outputs* of rows that it was not.

    A model is surer of rows that it has learned, so their scores would make every new input look like drift. Raises
    InvalidInstance.
    """
    instances = instances[:: max(1, len(instances) // _ENOUGH)]
    starts = range(0, len(instances), _ROWS)
    parts = [measure_inputs(record, list(instances[start : start + _ROWS])) for start in starts]
    return Reference.fit(record.measures, Measures.joined(parts), record.categories).beside(
        Reference.fit(answers.measures, answers.measured(outputs), answers.categories)
    )


def measure_inputs(record: Record, instances: Sequence[Any]) -> Measures:
    """Measure raw instances; raises InvalidInstance."""
    faults = Faults()
    rows = record.read(instances, faults)
    if faults.count:
        raise InvalidInstance("", faults.first, faults.count)
    return record.measured(rows)[1]


def input_reference(contract: Contract) -> Reference | None:
    """Return the reference of the inputs alone, for where there are no outputs."""
    if contract.reference is None:
        return None
    columns = contract.reference.columns[: len(contract.record.measures)]
    totals = contract.reference.totals[: len(contract.record.categories)]
    return Reference(columns, totals)
