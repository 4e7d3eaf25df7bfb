"""What a model server says of the versions of a model."""

from dataclasses import dataclass
from enum import StrEnum

_END = 50


class VersionState(StrEnum):
    """The stages of a version's life as metrics name them.

    `failed` is what the API tells as END with an error: the version was given up. Through its retries, five minutes by
    default, it is still `loading`.
    """

    START = "start"
    LOADING = "loading"
    AVAILABLE = "available"
    UNLOADING = "unloading"
    ENDED = "ended"
    FAILED = "failed"
    UNKNOWN = "unknown"

    @staticmethod
    def of(number: int, problem: str) -> "VersionState":
        """Give the state for the API's number of it, and its error's text."""
        if number == _END and problem:
            return VersionState.FAILED
        return _BY_NUMBER.get(number, VersionState.UNKNOWN)


_BY_NUMBER = {
    10: VersionState.START,
    20: VersionState.LOADING,
    30: VersionState.AVAILABLE,
    40: VersionState.UNLOADING,
    _END: VersionState.ENDED,
}


@dataclass(frozen=True)
class VersionStatus:
    """The state of a model's version on the model server; *problem* says why it is not served, if that is known."""

    version: int
    state: VersionState
    problem: str = ""

    @property
    def available(self) -> bool:
        """Whether the model server says that it answers."""
        return self.state is VersionState.AVAILABLE
