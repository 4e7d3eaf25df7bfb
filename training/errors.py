"""What can end a training job on purpose; the command line prints the message and exits, without a stack trace."""

from enum import IntEnum
from typing import ClassVar


class ExitCode(IntEnum):
    """How `plumbline train` ends, for whoever decides whether to start it again (a Kubernetes podFailurePolicy)."""

    DONE = 0
    UNEXPECTED = 1
    """A stack trace: a defect, or something that nobody foresaw. Perhaps worth one more try."""
    BAD_INPUT = 2
    """The command can't succeed as it stands; click ends with it, too. Final."""
    REFUSED = 3
    """Trained, and not good enough to be published. The same job would be refused again. Final."""
    RETRY = 75
    """Stopped, a worker lost, no data, no room to publish: the same command may do better later (EX_TEMPFAIL)."""


class TrainingError(Exception):
    """The root of the job's own errors."""

    exit_code: ClassVar[ExitCode] = ExitCode.BAD_INPUT


class DataUnavailable(TrainingError):
    """A data set or the weights of a pretrained base is neither here nor to be downloaded."""

    exit_code = ExitCode.RETRY


class BadRequest(TrainingError):
    """The command asks for a model, recipe or setting that does not exist."""
