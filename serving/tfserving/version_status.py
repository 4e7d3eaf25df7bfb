"""The status of a model's versions on a model server."""

from dataclasses import dataclass
from enum import StrEnum

from serving.process.engines import TENSORFLOW

_END = 50


class VersionState(StrEnum):
    """The states of a version, as metrics name them.

    `failed` is END with an error in the API: the server gave the version up. During the retries, five minutes by
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
        """Return the state for the API's number and its error text."""
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
    """The state of a model's version on the model server; *problem* says why it is not served, if known.

    *engine* is what computes it: TensorFlow Serving does so with TensorFlow.
    """

    version: int
    state: VersionState
    problem: str = ""
    engine: str = TENSORFLOW

    @property
    def available(self) -> bool:
        """Whether the model server reports it as available."""
        return self.state is VersionState.AVAILABLE
