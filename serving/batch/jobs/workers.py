"""Where chunks are scored: in threads of this process, or in processes of their own."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import wait
from typing import Any

from serving.batch.jobs.chunks import Chunk, Pinned, Scored, Scorer, Stopping
from serving.batch.writers.writer import Writer
from serving.catalog import ModelServer
from serving.process.processors import processors

Submit = Callable[[Chunk], "Future[Scored]"]
Connect = Callable[[], ModelServer]
"""Picklable."""

_context = multiprocessing.get_context("spawn")  # gRPC does not survive a fork


_MIN_BYTES_FOR_PROCESSES = 16 * 1024 * 1024
"""With less to read, processes take longer to start than they save: measured with reviews, one process against two."""
_MAX_PROCESSES = 4


@dataclass(frozen=True)
class Workers:
    """*in_flight* threads, or *processes* if more than one; each makes one call to the server at a time."""

    in_flight: int
    processes: int = 1

    @classmethod
    def fitted(cls, in_flight: int, has_text: bool, size: int) -> "Workers":
        """Choose the number of processes for *size* bytes of instances: threads don't speed up the reading of text."""
        if not has_text or size < _MIN_BYTES_FOR_PROCESSES:
            return cls(in_flight)
        return cls(in_flight, min(processors(), _MAX_PROCESSES))

    @property
    def count(self) -> int:
        """The number of chunks in progress at the same time."""
        return self.processes if self.processes > 1 else self.in_flight

    @contextmanager
    def running(
        self, server: ModelServer, connect: Connect, pinned: Pinned, writer: Writer, stopping: threading.Event
    ) -> Iterator[Submit]:
        """Yield the function that submits a chunk; threads share *server*, processes each *connect* to one."""
        if self.processes > 1:
            shared = _context.Event()
            threading.Thread(target=_forward, args=(stopping, shared), daemon=True).start()
            executor: Executor = ProcessPoolExecutor(
                self.processes, _context, initializer=_start, initargs=(connect, pinned, writer, shared)
            )
            submit: Submit = lambda chunk: executor.submit(_score, chunk)  # noqa: E731 - one of two, chosen here
        else:
            executor = ThreadPoolExecutor(self.in_flight)
            scorer = Scorer(server, pinned, writer, stopping)
            submit = lambda chunk: executor.submit(scorer.score, chunk)  # noqa: E731
        try:
            yield submit
        finally:
            executor.shutdown(wait=True, cancel_futures=True)


_scorer: Scorer


def _start(connect: Connect, pinned: Pinned, writer: Writer, stopping: Stopping) -> None:
    global _scorer
    for number in (signal.SIGINT, signal.SIGTERM):  # they reach the whole group; the parent handles them
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _scorer = Scorer(connect(), pinned, writer, stopping)


def _score(chunk: Chunk) -> Scored:
    return _scorer.score(chunk)


def _forward(stopping: threading.Event, shared: Any) -> None:
    """Pass *stopping* on to the processes; a signal handler can't, as the shared event's lock may be held then."""
    stopping.wait()
    shared.set()


def _end_with_parent() -> None:
    """Exit if the parent is killed: otherwise the pool's processes would wait for work for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
