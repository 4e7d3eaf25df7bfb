"""What can go wrong around a canary, besides the canary."""

from serving.errors import PlumblineError


class NoEvidence(PlumblineError):
    """What the versions do can't be read just now, so that nothing is decided."""


class WeightsUnavailable(PlumblineError):
    """The weights document can't be read or written just now."""


class ChangedByOthers(PlumblineError):
    """Somebody else changed the weights of the canary, who is left to it."""
