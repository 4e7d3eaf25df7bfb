"""One version of a model, as GetModelStatus reports it."""

from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from time import monotonic

from serving.runtime.errors import ServingError
from serving.runtime.storage import Stamp


class State(IntEnum):
    """The states of a version, with the numbers of the API."""

    START = 10
    LOADING = 20
    AVAILABLE = 30
    UNLOADING = 40
    END = 50


@dataclass
class Version:
    """A version that is or was tracked. Only its model's thread changes it."""

    number: int
    path: Path
    state: State = State.START
    error: ServingError | None = None
    failures: int = 0
    retry_at: float = 0.0
    stamp: Stamp = frozenset()

    @property
    def failed(self) -> bool:
        """Whether it was given up."""
        return self.state is State.END and self.error is not None

    @property
    def is_loading(self) -> bool:
        """Whether it may still become available, now or by a retry."""
        return self.state in (State.START, State.LOADING)

    def restart(self, path: Path) -> None:
        """Start over: the version had ended, and is wanted again."""
        self.path, self.state, self.error, self.failures, self.retry_at = path, State.START, None, 0, 0.0

    def retry(self) -> None:
        """Try a load that failed again, as if for the first time."""
        self.state, self.failures, self.retry_at = State.START, 0, 0.0

    def fail(self, error: ServingError, max_retries: int, interval: float) -> None:
        """Record a failed load; after the last retry the version ends."""
        self.failures += 1
        self.error = error
        self.retry_at = monotonic() + interval
        if self.failures > max_retries:
            self.state = State.END
