"""Loads a version's folder as a servable that is ready for requests."""

from dataclasses import dataclass
from pathlib import Path

from serving.runtime import saved_model, warmup
from serving.runtime.batch_scheduler import BatchScheduler
from serving.runtime.batching_parameters import BatchingParameters, read_batching_parameters
from serving.runtime.batching_session import BatchingSession
from serving.runtime.errors import ServingError
from serving.runtime.saved_model import Parallelism, Session
from serving.runtime.servable import Servable

BATCHING_FILE = "batching_params.pbtxt"


@dataclass(frozen=True)
class ServableLoader:
    """Loads versions, which are batched if there is a *scheduler*.

    *batching* applies to all of them. If it is None, each version's own file applies; one without is not batched.
    """

    parallelism: Parallelism
    scheduler: BatchScheduler | None
    batching: BatchingParameters | None
    warm_up: bool

    def __call__(self, path: Path) -> Servable:
        """Load the version in this folder and warm it up; raises ServingError."""
        session: Session
        session, signature_defs = saved_model.load(path, self.parallelism)
        if self.scheduler and (parameters := self.batching or _own_batching(path)):
            session = BatchingSession(session, self.scheduler, parameters)
        servable = Servable.of(session, signature_defs)
        if self.warm_up:
            warmup.replay(path, servable)
        return servable


def _own_batching(path: Path) -> BatchingParameters | None:
    file = path / BATCHING_FILE
    if not file.is_file():
        return None
    try:
        return read_batching_parameters(file)
    except ServingError as error:
        raise ServingError(error.code, f"{error.message} (in {file})") from error
