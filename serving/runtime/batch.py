"""One batch: its tasks, how they are run together, and how their results are separated."""

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from itertools import pairwise
from time import monotonic
from typing import NamedTuple, Protocol

import numpy as np

from serving.runtime.batching_parameters import BatchingParameters
from serving.runtime.errors import ServingError, failed_precondition
from serving.runtime.saved_model import Names, Session
from serving.runtime.tensor_messages import Array
from serving.tfserving.codes import Code


class BatchObserver(Protocol):
    """Counts requests and batches; called from several threads."""

    def requested(self, rows: int) -> None:
        """Note a request of *rows*, before it is queued."""
        ...

    def waited(self, seconds: float) -> None:
        """Note how long a request, or a piece of one, has been in its queue."""
        ...

    def computed(self, rows: int, padding: int) -> None:
        """Note a batch of *rows* and *padding* further rows."""
        ...


class Kind(NamedTuple):
    """What tasks must have in common to be run together."""

    session: Session
    parameters: BatchingParameters
    feeds: Names
    fetches: Names
    row_shapes: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Task:
    """A queued request, or a piece of a large one. `queued` is in monotonic seconds."""

    arrays: Sequence[Array]
    rows: int
    deadline: float | None
    result: "Future[list[Array]]" = field(default_factory=Future)
    queued: float = field(default_factory=monotonic)


@dataclass
class Batch:
    """Tasks of one kind. `opened` is in monotonic seconds."""

    kind: Kind
    opened: float
    tasks: list[Task] = field(default_factory=list)
    rows: int = 0

    def add(self, task: Task) -> None:
        """Add a task."""
        self.tasks.append(task)
        self.rows += task.rows

    def run(self, observer: BatchObserver) -> None:
        """Answer every task, padding up to one of the allowed sizes."""
        now, waiting = monotonic(), []
        for task in self.tasks:
            if task.deadline is not None and task.deadline < now:
                message = "Run() timeout exceeded while waiting in batching queue"
                task.result.set_exception(ServingError(Code.RESOURCE_EXHAUSTED, message))
            else:
                waiting.append(task)
        if waiting:
            _run(self.kind, waiting, observer)


def _run(kind: Kind, tasks: Sequence[Task], observer: BatchObserver) -> None:
    try:
        results = _compute(kind, tasks, observer)
    except Exception as error:
        if len(tasks) == 1:
            tasks[0].result.set_exception(error)
            return
        for task in tasks:  # one task's bad values must not make the others fail
            _run(kind, [task], observer)
        return
    for task, result in zip(tasks, results, strict=True):
        task.result.set_result(result)


def _compute(kind: Kind, tasks: Sequence[Task], observer: BatchObserver) -> list[list[Array]]:
    rows = sum(task.rows for task in tasks)
    size = next((size for size in sorted(kind.parameters.allowed_batch_sizes) if size >= rows), rows)
    observer.computed(rows, size - rows)
    arrays = [_merge(parts, size - rows) for parts in zip(*(task.arrays for task in tasks), strict=True)]
    outputs = kind.session.run(kind.feeds, kind.fetches, arrays, None)
    for output in outputs:
        if output.ndim == 0:
            raise failed_precondition("Batched output tensor has 0 dimensions")
        if len(output) != size:
            raise failed_precondition(
                "Batched output tensor's 0th dimension does not equal the sum of the 0th dimension sizes of the "
                "input tensors"
            )
    ends = np.cumsum([0, *(task.rows for task in tasks)]).tolist()
    return [[output[start:end] for output in outputs] for start, end in pairwise(ends)]


def _merge(parts: Sequence[Array], padding: int) -> Array:
    if len(parts) == 1 and not padding:
        return parts[0]
    return np.concatenate([*parts, np.repeat(parts[-1][:1], padding, axis=0)])
