"""One version of a model, as GetModelStatus tells of it."""

from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from time import monotonic

from serving.runtime.errors import ServingError


class State(IntEnum):
    """The stages of a version's life, with the numbers of the API."""

    START = 10
    LOADING = 20
    AVAILABLE = 30
    UNLOADING = 40
    END = 50


@dataclass
class Version:
    """A version that was ever tracked. Only its model's thread changes it."""

    number: int
    path: Path
    state: State = State.START
    error: ServingError | None = None
    failures: int = 0
    retry_at: float = 0.0

    @property
    def failed(self) -> bool:
        """Whether it was given up on."""
        return self.state is State.END and self.error is not None

    @property
    def is_loading(self) -> bool:
        """Whether it is still to become available, now or by a later try."""
        return self.state in (State.START, State.LOADING)

    def restart(self, path: Path) -> None:
        """Begin a new life: the version was gone, and is wanted again."""
        self.path, self.state, self.error, self.failures, self.retry_at = path, State.START, None, 0, 0.0

    def fail(self, error: ServingError, most_retries: int, interval: float) -> None:
        """Note a failed load; after the last retry that is the end."""
        self.failures += 1
        self.error = error
        self.retry_at = monotonic() + interval
        if self.failures > most_retries:
            self.state = State.END
