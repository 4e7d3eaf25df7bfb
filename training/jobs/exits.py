"""How the commands end: with a message and a telling exit code, also when they are told to stop."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

import click

from serving.process.exit_codes import ExitCode
from training.errors import TrainingError

_MESSAGE = "stopped by SIGTERM: what is finished is kept, and the same command goes on from there"

_stop_came = threading.Event()
"""SIGTERM came. Told apart from what it raises: libraries in C++ swallow that in places, and fail of something else."""

_AGAIN_SECONDS = 2.0
"""Or they go on as if nothing had been. So what SIGTERM raises is raised again each time that so long has passed."""


@contextlib.contextmanager
def reporting_errors() -> Iterator[None]:
    """End the process with the code of a TrainingError, or of SIGTERM, and its message on standard error."""
    before = {number: signal.signal(number, _stop) for number in (signal.SIGTERM, signal.SIGALRM)}
    try:
        yield
    except BaseException as error:
        signal.setitimer(signal.ITIMER_REAL, 0)
        if _stop_came.is_set():
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
        _stop_came.clear()


def exit_code(error: BaseException) -> ExitCode:
    """Give the code that the command ends with if *error* reaches `reporting_errors`."""
    if _stop_came.is_set():
        return ExitCode.RETRY
    return error.exit_code if isinstance(error, TrainingError) else ExitCode.UNEXPECTED


class _Stopped(BaseException):
    """Ends what SIGTERM interrupts. Not an Exception, so that nobody takes it for a failure of that."""


def _stop(number: int, frame: FrameType | None) -> None:
    _stop_came.set()
    signal.setitimer(signal.ITIMER_REAL, _AGAIN_SECONDS)  # gives SIGALRM
    raise _Stopped
