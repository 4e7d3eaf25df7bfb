"""The exit codes of commands that run as jobs: they say whether to run a command again."""

from enum import IntEnum


class ExitCode(IntEnum):
    """The codes of `plumbline train`, `tune`, `score`, `drift`, `replay` and `canary`, for a podFailurePolicy."""

    DONE = 0
    UNEXPECTED = 1
    """An unexpected error, with a stack trace. Perhaps worth one retry."""
    BAD_INPUT = 2
    """The command can't succeed as it is; click exits with it, too. Final."""
    REFUSED = 3
    """Done, but not good enough: the gate refused the model, or too many rows were rejected. Final."""
    DRIFTED = REFUSED
    """Done, and at least one feature has drifted. Final."""
    WORSE = REFUSED
    """Done, and the second version is worse than the first. Final."""
    ROLLED_BACK = REFUSED
    """The canary is worse, and refused from now on. Final."""
    RETRY = 75
    """Stopped, or something is unavailable: the same command may succeed later (EX_TEMPFAIL)."""
