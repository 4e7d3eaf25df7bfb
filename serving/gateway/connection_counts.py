"""How many open connections each worker has, in memory that all workers share."""

import mmap
from array import array

_MAX_WORKERS = 64
_NO_WORKER = 2**31 - 1


class ConnectionCounts:
    """Counts of those that accept any, by the worker's number, which gunicorn calls its age.

    Make it before the workers are forked.
    """

    def __init__(self) -> None:
        self._counts = memoryview(mmap.mmap(-1, 4 * _MAX_WORKERS)).cast("i")
        self._counts[:] = array("i", [_NO_WORKER] * _MAX_WORKERS)

    @property
    def fewest(self) -> int:
        """The open connections of the worker that has the fewest."""
        return min(self._counts)

    @property
    def are_any(self) -> bool:
        """Whether any worker accepts connections."""
        return self.fewest != _NO_WORKER

    def set(self, worker: int, count: int) -> None:
        """Set a worker's number of open connections."""
        self._counts[worker % _MAX_WORKERS] = count

    def remove(self, worker: int) -> None:
        """Forget a worker that ended."""
        self.set(worker, _NO_WORKER)
