"""The errors of a replay; the command prints their messages."""

from serving.errors import PlumblineError


class ReplayError(PlumblineError):
    """Captures can't be replayed: the message says where, what was expected, what came and what to do."""
