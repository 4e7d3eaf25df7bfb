"""Errors of training jobs: the command line prints their message without a stack trace, and exits with their code."""

from collections.abc import Sequence
from typing import ClassVar

from serving.errors import Fault, PlumblineError
from serving.process.exit_codes import ExitCode


class TrainingError(PlumblineError):
    """Base class of all errors of a training job; *exit_code* is what the command exits with."""

    exit_code: ClassVar[ExitCode] = ExitCode.BAD_INPUT


class DataUnavailable(TrainingError):
    """A data set, or the weights of a pretrained base, are neither stored locally nor available for download."""

    exit_code = ExitCode.RETRY


class BadRequest(TrainingError):
    """The command names a model, recipe or setting that does not exist, or a value that is not allowed."""


class UnusableData(TrainingError):
    """A row of the data is not a valid input of the model; *row* counts from 0, in the part that is being prepared."""

    def __init__(self, row: int, faults: Sequence[Fault]) -> None:
        super().__init__(f"row {row} of the data: {'; '.join(map(str, faults))}")
