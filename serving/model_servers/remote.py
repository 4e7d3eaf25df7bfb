"""A model server in another process."""

from collections.abc import Collection

from serving.catalog.model_server import ModelRunner, ModelServer
from serving.contract import Features
from serving.contract.arrays import Array
from serving.prediction.run_queue import RunQueue
from serving.tfserving.version_status import VersionStatus


class RemoteServer:
    """Calls *server*. While a thread of this process waits for its answer, others run."""

    def __init__(self, server: ModelServer, run_queue: RunQueue) -> None:
        self._server = server
        self._paused = run_queue.paused

    def predict(
        self, model: str, version: int, features: Features, deadline_seconds: float
    ) -> tuple[int, dict[str, Array]]:
        """Call the server."""
        with self._paused():
            return self._server.predict(model, version, features, deadline_seconds)

    def contract(self, model: str, version: int, deadline_seconds: float) -> bytes:
        """Call the server."""
        with self._paused():
            return self._server.contract(model, version, deadline_seconds)

    def versions(self, model: str, deadline_seconds: float) -> tuple[VersionStatus, ...]:
        """Call the server."""
        with self._paused():
            return self._server.versions(model, deadline_seconds)

    def labelled(self, model: str, label: str, deadline_seconds: float) -> int:
        """Call the server."""
        with self._paused():
            return self._server.labelled(model, label, deadline_seconds)

    def judged(self, model: str, admitted: Collection[int], refused: Collection[int]) -> None:
        """Do nothing: a model server goes by its own version policy."""

    def aside(self) -> ModelRunner:
        """Return the server's own, for threads that take no part in the run queue."""
        return self._server.aside()

    def forget(self, model: str) -> None:
        """Call the server's client."""
        self._server.forget(model)

    def close(self) -> None:
        """Close the connection."""
        self._server.close()
