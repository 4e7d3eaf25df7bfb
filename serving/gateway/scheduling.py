"""Where a gateway process keeps its run queue."""

from flask import Flask

from serving.prediction.run_queue import RunQueue
from serving.process.processors import share

_EXTENSION = "plumbline_run_queue"


def register_run_queue(app: Flask, workers: int) -> RunQueue:
    """Add a run queue to *app*, which runs in *workers* processes. `run_queue_of` returns it."""
    run_queue = app.extensions[_EXTENSION] = RunQueue(share(workers))
    return run_queue


def run_queue_of(app: Flask) -> RunQueue:
    """Return the run queue of *app*."""
    run_queue: RunQueue = app.extensions[_EXTENSION]
    return run_queue
