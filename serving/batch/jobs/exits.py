"""How `plumbline score` ends: with a message and a telling exit code, also when it is told to stop."""

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType

import click

from serving.batch.errors import GOES_ON, BatchError
from serving.batch.readers.text_encoding import printable
from serving.process.exit_codes import ExitCode


@contextlib.contextmanager
def reporting_errors() -> Iterator[None]:
    """End the process with the code of a BatchError, and its message on standard error.

    What goes wrong with a file or an object store may pass, so that is for another try, unless it says otherwise.
    """
    try:
        yield
    except BrokenPipeError:  # whoever was to read the summary has gone, as `head` does: the work is done
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except BatchError as error:
        _say(error)
        raise SystemExit(error.exit_code) from error
    except (PermissionError, FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
        _say(error)
        raise SystemExit(ExitCode.BAD_INPUT) from error
    except OSError as error:
        _say(f"{error}; {GOES_ON}")
        raise SystemExit(ExitCode.RETRY) from error


def _say(error: object) -> None:
    """Print what went wrong; a terminal obeys nothing of it, such as in a file's name."""
    click.echo(f"Error: {printable(str(error))}", err=True)


@contextlib.contextmanager
def stopped_by_signals() -> Iterator[threading.Event]:
    """Give what SIGTERM or Ctrl-C sets, so that the parts under way are finished; the second of them ends at once."""
    stopping = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        if stopping.is_set():
            os._exit(ExitCode.RETRY)  # nothing needs to be tidied: a run that is killed goes on as well
        stopping.set()
        click.echo("stopping once the part under way is finished; another signal stops at once", err=True)

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stopping
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
