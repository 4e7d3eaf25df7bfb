"""Where a gateway process keeps its queue."""

from flask import Flask

from serving.prediction.run_queue import RunQueue
from serving.process.processors import share

_EXTENSION = "plumbline_run_queue"


def register_run_queue(app: Flask, workers: int) -> RunQueue:
    """Give *app*, which runs in *workers* processes, a queue, for `run_queue_of` to find."""
    run_queue = app.extensions[_EXTENSION] = RunQueue(share(workers))
    return run_queue


def run_queue_of(app: Flask) -> RunQueue:
    """Give the queue of *app*."""
    run_queue: RunQueue = app.extensions[_EXTENSION]
    return run_queue
