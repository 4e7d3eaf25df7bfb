"""What catalog and predictor need of a model server. `serving.tfserving.client` is the real one."""

from collections.abc import Collection
from typing import Protocol

from serving.contract import Features
from serving.contract.arrays import Array
from serving.tfserving.version_status import VersionStatus


class ModelRunner(Protocol):
    """Computes a model's outputs, which is all that a predictor needs. Raises the errors of `serving.errors`."""

    def predict(
        self, model: str, version: int, features: Features, deadline_seconds: float
    ) -> tuple[int, dict[str, Array]]:
        """Run a version of a model. Return the version that answered, and its outputs by name."""
        ...


class ModelServer(ModelRunner, Protocol):
    """Also says which versions it has. Raises the errors of `serving.errors`."""

    def contract(self, model: str, version: int, deadline_seconds: float) -> bytes:
        """Fetch the JSON of the contract that a version of a model carries."""
        ...

    def versions(self, model: str, deadline_seconds: float) -> tuple[VersionStatus, ...]:
        """List a model's versions. Raise UnknownVersion if there are none."""
        ...

    def labelled(self, model: str, label: str, deadline_seconds: float) -> int:
        """Return the version that a label names. Raise UnknownLabel if there is none."""
        ...

    def judged(self, model: str, admitted: Collection[int], refused: Collection[int]) -> None:
        """Hear which of a model's versions were admitted, and which refused: it may choose by that what it loads."""
        ...

    def aside(self) -> ModelRunner:
        """Return what computes the same for others than requests: it takes no place of theirs, and is not counted."""
        ...

    def forget(self, model: str) -> None:
        """Free what is kept of a model that is no longer served. It may be asked for again, as another model."""
        ...

    def close(self) -> None:
        """Close the connection."""
        ...
