"""How `plumbline score` ends: with a message and a specific exit code, also after a signal."""

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType

import click

from serving.batch.errors import RESUMES, BatchError, Unfinished
from serving.batch.readers.text_encoding import printable
from serving.process.exit_codes import ExitCode


@contextlib.contextmanager
def reporting_errors() -> Iterator[None]:
    """End the process with the exit code of a BatchError, and print its message to standard error.

    Other errors of files and object stores count as temporary, except those that a retry can't mend.
    """
    try:
        yield
    except BrokenPipeError:  # the summary's reader, such as `head`, has exited; the work is done
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except BatchError as error:
        _report(error)
        raise SystemExit(error.exit_code) from error
    except (PermissionError, FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
        _report(error)
        raise SystemExit(ExitCode.BAD_INPUT) from error
    except OSError as error:
        _report(f"{error}; {RESUMES}")
        raise SystemExit(ExitCode.RETRY) from error


def _report(error: object) -> None:
    """Print an error; control characters in it, such as in a file's name, are escaped."""
    click.echo(f"Error: {printable(str(error))}", err=True)


@contextlib.contextmanager
def ended_by_signals() -> Iterator[None]:
    """Raise Unfinished at SIGTERM or Ctrl-C: before the first row, what a run waits for (a pipe) may never come."""

    def end(number: int, frame: FrameType | None) -> None:
        raise _Signalled

    with _handling(end):
        try:
            yield
        except _Signalled as signalled:
            text = "stopped before the first row was scored; run the same command again"
            raise Unfinished(text) from signalled


class _Signalled(BaseException):
    """No Exception: whoever tells of contracts and files that fail would take it for one of their faults."""


@contextlib.contextmanager
def stopped_by_signals() -> Iterator[threading.Event]:
    """Yield the event that SIGTERM or Ctrl-C sets, to finish the parts under way; a second signal exits at once."""
    stopping = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        if stopping.is_set():
            os._exit(ExitCode.RETRY)  # no cleanup is needed: a run that is killed resumes, too
        stopping.set()
        click.echo("stopping once the part under way is finished; another signal stops at once", err=True)

    with _handling(stop):
        yield stopping


@contextlib.contextmanager
def _handling(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, former in before.items():
            signal.signal(number, former)
