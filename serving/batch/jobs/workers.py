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


_PYTHONS_WORK = ("text",)
"""The kinds of preprocessing that several threads don't get done faster."""
_WORTH_BYTES = 16 * 1024 * 1024
"""With less to read a process takes longer to start than it saves: measured with reviews, one process beside two."""
_MAX_PROCESSES = 4


@dataclass(frozen=True)
class Workers:
    """*in_flight* threads, or *processes* if there are more than one, each with a call to the server at a time."""

    in_flight: int
    processes: int = 1

    @classmethod
    def fitted(cls, in_flight: int, kind: str, size: int) -> "Workers":
        """Choose the number of processes for *size* bytes of instances of this *kind*."""
        if kind not in _PYTHONS_WORK or size < _WORTH_BYTES:
            return cls(in_flight)
        return cls(in_flight, min(processors(), _MAX_PROCESSES))

    @property
    def count(self) -> int:
        """How many chunks are worked on at the same time."""
        return self.processes if self.processes > 1 else self.in_flight

    @contextmanager
    def running(
        self, server: ModelServer, connect: Connect, pinned: Pinned, writer: Writer, stopping: threading.Event
    ) -> Iterator[Submit]:
        """Give the function that has a chunk scored; threads share *server*, processes *connect* to one themselves."""
        if self.processes > 1:
            shared = _context.Event()
            threading.Thread(target=_hand_on, args=(stopping, shared), daemon=True).start()
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
    for number in (signal.SIGINT, signal.SIGTERM):  # which reach the whole group; the parent decides what they mean
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _scorer = Scorer(connect(), pinned, writer, stopping)


def _score(chunk: Chunk) -> Scored:
    return _scorer.score(chunk)


def _hand_on(stopping: threading.Event, shared: Any) -> None:
    """Tell the processes. Not in the signal's handler: the shared event has a lock that may be held just then."""
    stopping.wait()
    shared.set()


def _end_with_parent() -> None:
    """End if the parent is killed: nobody else would tell, and the pool's processes wait for work for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
