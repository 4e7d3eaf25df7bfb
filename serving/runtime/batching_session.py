"""Batching: requests that wait for the same computation are run as one.

A `BatchingSession` replaces a model's session, and puts each request into the queue of its kind. One
`BatchScheduler` for all models has the threads that take batches from these queues.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic

import numpy as np

from serving.runtime.batch import Kind
from serving.runtime.batch_scheduler import BatchScheduler
from serving.runtime.batching_parameters import BatchingParameters
from serving.runtime.errors import ServingError, invalid_argument
from serving.runtime.saved_model import Names, Session
from serving.runtime.tensor_messages import Array
from serving.tfserving.codes import Code


@dataclass(frozen=True)
class BatchingSession:
    """A session whose runs wait for others of their kind."""

    session: Session
    scheduler: BatchScheduler
    parameters: BatchingParameters

    def run(self, feeds: Names, fetches: Names, arrays: Sequence[Array], deadline: float | None = None) -> list[Array]:
        """Compute as part of a batch. Requests with different row shapes can't be merged, so their kinds differ."""
        rows = _count_rows(arrays)
        if rows == 0:
            return self.session.run(feeds, fetches, arrays, deadline)
        limit = self.parameters.max_batch_size
        if rows > limit:
            raise invalid_argument(f"Task size {rows} is larger than maximum input batch size {limit}")
        self.scheduler.observer.requested(rows)
        kind = Kind(self.session, self.parameters, feeds, fetches, tuple([array.shape[1:] for array in arrays]))
        tasks = self.scheduler.submit(kind, arrays, rows, deadline)
        parts = []
        for task in tasks:
            try:
                parts.append(task.result.result(None if deadline is None else max(0.0, deadline - monotonic())))
            except TimeoutError as error:
                message = "Run() timeout exceeded while waiting for a batch"
                raise ServingError(Code.DEADLINE_EXCEEDED, message) from error
        return parts[0] if len(parts) == 1 else [np.concatenate(pieces) for pieces in zip(*parts, strict=True)]


def _count_rows(arrays: Sequence[Array]) -> int:
    if not arrays:
        raise invalid_argument("Batching Run() must have at least one input tensor")
    if any(array.ndim == 0 for array in arrays):
        raise invalid_argument("Batching Run() input tensors must have at least one dimension")
    rows = len(arrays[0])
    if any(len(array) != rows for array in arrays):
        raise invalid_argument("Batching Run() input tensors must have equal 0th-dimension size")
    return rows
