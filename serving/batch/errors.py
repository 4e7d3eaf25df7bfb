"""What ends `plumbline score` on purpose; the command line prints the message and exits, without a stack trace.

BatchError
├── BadInput         the command can't succeed as it stands
├── Changed          what was begun is not what is asked for now
├── VersionGone      what was begun can't be finished, as things are
├── TooManyRejects   all was read, but too much of it can't be scored
└── Unfinished       the same command goes on from here
"""

from typing import ClassVar

from serving.errors import PlumblineError
from serving.process.exit_codes import ExitCode

GOES_ON = "what is finished is kept, and the same command goes on from there"


class BatchError(PlumblineError):
    """The root."""

    exit_code: ClassVar[ExitCode] = ExitCode.BAD_INPUT


class BadInput(BatchError):
    """An input, an output or an option is not one that can be used."""


class Changed(BatchError):
    """A run is not the one that was begun with this output."""

    def __init__(self, output: str, what: str) -> None:
        super().__init__(
            f"{output} was begun otherwise: {what}. Give the former command to finish it, "
            "or --restart to throw away what is done"
        )


class VersionGone(BatchError):
    """The version that a run was begun with does not answer any more."""

    def __init__(self, model: str, version: int) -> None:
        super().__init__(
            f"{model}: version {version}, with which this run was begun, is not on the model server any more. "
            "Have it served again, or give --restart to throw away what is done"
        )


class TooManyRejects(BatchError):
    """More rows were rejected than may be."""

    exit_code = ExitCode.REFUSED


class Unfinished(BatchError):
    """Stopped, or something did not answer: nothing that is done is lost."""

    exit_code = ExitCode.RETRY
