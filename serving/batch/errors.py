"""The errors that end `plumbline score`; the command prints the message and exits, without a stack trace.

BatchError
├── BadInput         the command can't succeed as it is
├── Changed          the run was started with different options or inputs
├── VersionGone      the version that the run was started with is not served
├── TooManyRejects   everything was read, but too many rows can't be scored
└── Unfinished       running the same command again resumes from here
"""

from typing import ClassVar

from serving.errors import PlumblineError
from serving.process.exit_codes import ExitCode

RESUMES = "finished parts are kept; run the same command again to resume"


class BatchError(PlumblineError):
    """The base class: catch this to catch all of them."""

    exit_code: ClassVar[ExitCode] = ExitCode.BAD_INPUT


class BadInput(BatchError):
    """An input, an output or an option can't be used."""


class Changed(BatchError):
    """The output belongs to a run that was started with different options or inputs."""

    def __init__(self, output: str, what: str) -> None:
        super().__init__(
            f"{output} was started with different options: {what}. Run the former command to finish it, "
            "or use --restart to discard its progress"
        )


class VersionGone(BatchError):
    """The version that a run was started with is no longer served."""

    def __init__(self, model: str, version: int) -> None:
        super().__init__(
            f"{model}: version {version}, with which this run was begun, was removed from the model server. "
            "Serve it again, or use --restart to discard the run's progress"
        )


class TooManyRejects(BatchError):
    """More rows were rejected than --max-rejects allows."""

    exit_code = ExitCode.REFUSED


class Unfinished(BatchError):
    """The run was stopped, or something did not answer. Finished parts are kept."""

    exit_code = ExitCode.RETRY
