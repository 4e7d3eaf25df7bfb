"""How the commands end: with a message and a telling exit code, also when they are told to stop."""

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType

import click

from serving.exit_codes import ExitCode
from training.errors import TrainingError


@contextlib.contextmanager
def reporting_errors() -> Iterator[None]:
    """End the process with the code of a TrainingError, or of SIGTERM, and its message on standard error."""
    before = signal.signal(signal.SIGTERM, _stop)
    try:
        yield
    except TrainingError as error:
        click.echo(f"Error: {error}", err=True)
        raise SystemExit(error.exit_code) from error
    except _Stopped as stopped:
        click.echo("stopped by SIGTERM: what is finished is kept, and the same command goes on from there", err=True)
        raise SystemExit(ExitCode.RETRY) from stopped
    finally:
        signal.signal(signal.SIGTERM, before)


def exit_code(error: BaseException) -> ExitCode:
    """Give the code that the command ends with if *error* reaches `reporting_errors`."""
    if isinstance(error, _Stopped):
        return ExitCode.RETRY
    return error.exit_code if isinstance(error, TrainingError) else ExitCode.UNEXPECTED


class _Stopped(BaseException):
    """SIGTERM came. Not an Exception, so that nobody takes it for a failure of what it interrupts."""


def _stop(number: int, frame: FrameType | None) -> None:
    raise _Stopped
