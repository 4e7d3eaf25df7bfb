"""Why a model server in this process can't be made."""

from serving.errors import PlumblineError


class CannotServe(PlumblineError):
    """There is no such version, or it can't be loaded in this process."""
