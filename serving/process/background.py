"""A process beside this one, for what takes long: it gives way to whoever else wants the processor."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait
from typing import ParamSpec, TypeVar

from serving.process.memory import be_killed_first

_Args = ParamSpec("_Args")
_Result = TypeVar("_Result")

_NICENESS = 10
"""Beside one busy thread of usual priority it gets a tenth of a processor, so it goes on even there."""

_context = multiprocessing.get_context("spawn")  # gRPC does not survive a fork


class Ended(Exception):
    """The process ended before it had answered: it crashed, or was killed."""


class BackgroundProcess:
    """Calls functions in a process of lower priority, one at a time. It is started when it is first needed.

    A thread of lower priority would not do: whenever it holds the interpreter's lock, all others wait for it.
    """

    def __init__(self) -> None:
        self._executor: ProcessPoolExecutor | None = None
        self._starting = threading.Lock()

    def call(
        self, seconds: float, function: Callable[_Args, _Result], *args: _Args.args, **kwargs: _Args.kwargs
    ) -> _Result:
        """Return what *function* does; all has to be picklable.

        Raises TimeoutError after *seconds*, though the process goes on with it; Ended; and OSError if no process can be
        started.
        """
        with self._starting:
            executor = self._executor = self._executor or ProcessPoolExecutor(1, _context, initializer=_start)
        try:
            return executor.submit(function, *args, **kwargs).result(seconds)
        except TimeoutError:
            raise
        except BrokenProcessPool as error:
            self._forget(executor)
            raise Ended from error
        except OSError:
            self._forget(executor)
            raise

    def _forget(self, executor: ProcessPoolExecutor) -> None:
        with self._starting:
            if self._executor is executor:
                self._executor = None


def _start() -> None:
    for number in (signal.SIGINT, signal.SIGTERM):  # they reach the whole group; the parent handles them
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=end_with_parent, daemon=True).start()
    os.nice(_NICENESS)
    be_killed_first()


def end_with_parent() -> None:
    """Exit once the parent is gone: otherwise a pool's processes would wait for work for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
