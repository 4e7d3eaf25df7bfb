"""The same model once more, so that of one gateway one is captured and the other is not."""

from benchmarks.capture_tasks.sentiment import TASK

__all__ = ["TASK"]
