"""How the commands that run as jobs end, for whoever decides whether to start them again."""

from enum import IntEnum


class ExitCode(IntEnum):
    """The codes of `plumbline train`, `tune` and `score`; a Kubernetes podFailurePolicy tells by them."""

    DONE = 0
    UNEXPECTED = 1
    """A stack trace: a defect, or something that nobody foresaw. Perhaps worth one more try."""
    BAD_INPUT = 2
    """The command can't succeed as it stands; click ends with it, too. Final."""
    REFUSED = 3
    """Done, and not good enough: a model for the gate, or too many rejected rows. It would be so again. Final."""
    RETRY = 75
    """Stopped, or something is missing for now: the same command may do better later (EX_TEMPFAIL)."""
