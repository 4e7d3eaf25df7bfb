"""Whether requests leave a process time for anything else."""

from serving.catalog import ModelRunner
from serving.prediction.concurrency import ConcurrencyLimits
from serving.prediction.micro_batching import Batcher
from serving.prediction.run_queue import RunQueue


class Load:
    """Sees what requests need of a process, for one thread that looks again and again."""

    def __init__(self, run_queue: RunQueue, limits: ConcurrencyLimits, runner: ModelRunner) -> None:
        self._run_queue = run_queue
        self._limits = limits
        self._batcher = runner if isinstance(runner, Batcher) else None
        self._begun = run_queue.begun

    def is_busy(self) -> bool:
        """Return whether a request runs or waits that needs the process, or one came since the last look.

        While many come, there are moments without any. Whoever began in each of them would slow the next.
        """
        before, self._begun = self._begun, self._run_queue.begun
        if self._begun != before or self._run_queue.is_full or self._limits.are_waited_for:
            return True
        return self._batcher is not None and self._batcher.is_waited_for
