"""What can keep a model server in this process from being made."""

from serving.errors import PlumblineError


class CannotServe(PlumblineError):
    """There is no such version, or it can't be loaded here."""
