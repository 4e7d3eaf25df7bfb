"""What catalog and predictor need of a model server; `serving.tfserving.client` is the real one."""

from typing import Protocol

from serving.contract import Features
from serving.contract.arrays import Array
from serving.tfserving.version_status import VersionStatus


class ModelServer(Protocol):
    """Raises the errors of `serving.errors`."""

    def predict(
        self, model: str, version: int, features: Features, deadline_seconds: float
    ) -> tuple[int, dict[str, Array]]:
        """Run a version of a model; gives the version that answered, and its outputs by name."""
        ...

    def contract(self, model: str, version: int, deadline_seconds: float) -> bytes:
        """Fetch the contract's JSON that a version of a model carries."""
        ...

    def versions(self, model: str, deadline_seconds: float) -> tuple[VersionStatus, ...]:
        """List a model's versions; UnknownVersion if there are none."""
        ...

    def labelled(self, model: str, label: str, deadline_seconds: float) -> int:
        """Give the version that a label stands for; raises UnknownLabel."""
        ...

    def close(self) -> None:
        """End the connection."""
        ...
