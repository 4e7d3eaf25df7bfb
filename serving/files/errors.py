"""The error of an address that can't be opened."""

from serving.errors import PlumblineError


class UnusableAddress(PlumblineError):
    """No store can be reached by this address from here; another try can't succeed."""
