"""What can end a training job on purpose; the command line prints the message and exits, without a stack trace."""

from typing import ClassVar

from serving.errors import InvalidFields, PlumblineError
from serving.process.exit_codes import ExitCode


class TrainingError(PlumblineError):
    """The root of the job's own errors."""

    exit_code: ClassVar[ExitCode] = ExitCode.BAD_INPUT


class DataUnavailable(TrainingError):
    """A data set or the weights of a pretrained base is neither here nor to be downloaded."""

    exit_code = ExitCode.RETRY


class BadRequest(TrainingError):
    """The command asks for a model, recipe or setting that does not exist."""


class UnusableData(TrainingError):
    """A row of the data is not what the model takes; *row* counts from 0, in the part that is being prepared."""

    def __init__(self, row: int, problem: InvalidFields) -> None:
        super().__init__(f"row {row} of the data: {problem}")
