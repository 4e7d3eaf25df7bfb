"""The queues in which batches fill up, and the threads that run them."""

import threading
from collections import deque
from collections.abc import Sequence
from time import monotonic

from serving.runtime.batch import Batch, BatchObserver, Kind, Task
from serving.runtime.batching_parameters import BatchingParameters
from serving.runtime.errors import ServingError
from serving.runtime.tensor_messages import Array
from serving.tfserving.codes import Code


class BatchScheduler:
    """Batches of every model and kind, and one pool of threads for all of them."""

    def __init__(self, threads: int, observer: BatchObserver) -> None:
        self.observer = observer
        self._changed = threading.Condition()
        self._queues: dict[Kind, deque[Batch]] = {}  # an emptied queue is dropped, and with it the session in its key
        for number in range(threads):
            threading.Thread(target=self._work, name=f"batch-{number}", daemon=True).start()

    def submit(self, kind: Kind, arrays: Sequence[Array], rows: int, deadline: float | None) -> list[Task]:
        """Queue a request, in pieces if it is split; raises UNAVAILABLE if the queue is full."""
        with self._changed:
            queue = self._queues.get(kind, deque())
            largest = kind.parameters.largest_batch
            room = largest - queue[-1].rows if queue else 0
            sizes = _piece_sizes(kind.parameters, rows, room)
            _check_capacity(kind.parameters, queue, rows, room, new_batches=len(sizes) - (sizes[0] <= room))
            tasks, start = [], 0
            for size in sizes:
                task = Task([array[start : start + size] for array in arrays], size, deadline)
                if not queue or queue[-1].rows + size > largest:
                    queue.append(Batch(kind, monotonic()))
                queue[-1].add(task)
                tasks.append(task)
                start += size
            self._queues[kind] = queue
            self._changed.notify()
        return tasks

    def _work(self) -> None:
        while True:
            batch = self._take()
            now = monotonic()
            for task in batch.tasks:
                self.observer.waited(now - task.queued)
            batch.run(self.observer)

    def _take(self) -> Batch:
        """Wait for the batch, of all queues, that has been ready for longest."""
        with self._changed:
            while True:
                heads = [(_ready_at(queue), queue) for queue in self._queues.values()]
                ready_at, queue = min(heads, key=lambda head: head[0], default=(float("inf"), None))
                now = monotonic()
                if queue and ready_at <= now:
                    batch = queue.popleft()
                    if not queue:
                        del self._queues[batch.kind]
                    return batch
                self._changed.wait(None if queue is None else ready_at - now)


def _piece_sizes(parameters: BatchingParameters, rows: int, room: int) -> list[int]:
    largest = parameters.largest_batch
    if rows <= room or not parameters.enable_large_batch_splitting:
        return [rows]
    first = [room] if room else []
    whole, rest = divmod(rows - room, largest)
    return first + [largest] * whole + ([rest] if rest else [])


def _check_capacity(
    parameters: BatchingParameters, queue: deque[Batch], rows: int, room: int, new_batches: int
) -> None:
    limit = parameters.max_enqueued_batches
    if len(queue) + new_batches <= limit:
        return
    state = f"currently {len(queue)} batches enqueued and max_enqueued_batches is {limit}"
    if parameters.enable_large_batch_splitting:
        capacity = room + (limit - len(queue)) * parameters.largest_batch
        state = f"task size is {rows} but scheduling capacity is only {capacity} ({state})"
    message = f"The batch scheduling queue to which this task was submitted is full; {state}"
    raise ServingError(Code.UNAVAILABLE, message)


def _ready_at(queue: deque[Batch]) -> float:
    head, parameters = queue[0], queue[0].kind.parameters
    filled = len(queue) > 1 or head.rows >= parameters.largest_batch
    return head.opened if filled else head.opened + parameters.batch_timeout_micros / 1e6
