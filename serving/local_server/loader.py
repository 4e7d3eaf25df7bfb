"""From a version's folder to a servable that is ready for requests."""

from dataclasses import dataclass
from pathlib import Path

from serving.local_server import saved_model, warmup
from serving.local_server.batch_scheduler import BatchScheduler
from serving.local_server.batching import BatchingSession
from serving.local_server.saved_model import Parallelism, Session
from serving.local_server.servable import Servable


@dataclass(frozen=True)
class ServableLoader:
    """Loads versions in the way the server was started for."""

    parallelism: Parallelism
    scheduler: BatchScheduler | None
    warm_up: bool

    def __call__(self, path: Path) -> Servable:
        """Load the version in this folder and warm it up; raises ServingError."""
        session: Session
        session, signature_defs = saved_model.load(path, self.parallelism)
        if self.scheduler:
            session = BatchingSession(session, self.scheduler)
        servable = Servable.of(session, signature_defs)
        if self.warm_up:
            warmup.replay(path, servable)
        return servable
