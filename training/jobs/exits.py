"""How the commands end: with a message and a meaningful exit code, also after SIGTERM."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

import click

from serving.process.exit_codes import ExitCode
from training.errors import TrainingError

_MESSAGE = "stopped by SIGTERM: finished work is kept; run the same command again to resume"

_stop_requested = threading.Event()
"""Set by SIGTERM. The exception that it raises is not enough: C++ libraries may swallow it, and fail with another."""

_REPEAT_SECONDS = 2.0
"""They may also swallow it and continue. So it is raised again at this interval until the command ends."""


@contextlib.contextmanager
def reporting_errors() -> Iterator[None]:
    """End the process with the exit code of a TrainingError or of SIGTERM, and print the message to standard error."""
    before = {number: signal.signal(number, _stop) for number in (signal.SIGTERM, signal.SIGALRM)}
    try:
        yield
    except BaseException as error:
        signal.setitimer(signal.ITIMER_REAL, 0)
        if _stop_requested.is_set():
            click.echo(_MESSAGE, err=True)
        elif isinstance(error, TrainingError):
            click.echo(f"Error: {error}", err=True)
        else:
            raise
        raise SystemExit(exit_code(error)) from error
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before.items():
            signal.signal(number, handler)
        _stop_requested.clear()


def exit_code(error: BaseException) -> ExitCode:
    """Return the code that the command exits with if *error* reaches `reporting_errors`."""
    if _stop_requested.is_set():
        return ExitCode.RETRY
    return error.exit_code if isinstance(error, TrainingError) else ExitCode.UNEXPECTED


class _Stopped(BaseException):
    """Interrupts what runs when SIGTERM comes. Not an Exception, so that no handler takes it for a failure."""


def _stop(number: int, frame: FrameType | None) -> None:
    _stop_requested.set()
    signal.setitimer(signal.ITIMER_REAL, _REPEAT_SECONDS)  # sends SIGALRM
    raise _Stopped
