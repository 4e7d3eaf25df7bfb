"""A model server that answers at once, in this process: a seam for what has nothing to do with the network."""

from collections.abc import Collection

from serving.catalog import ModelRunner
from serving.contract import Contract, Features
from serving.contract.arrays import Array
from serving.errors import UnknownLabel, UnknownVersion
from serving.tfserving.version_status import VersionState, VersionStatus
from tests.serving.contracts import scores


class InstantServer:
    """Serves *contract* as *version*, whose *weights* are all that differs from another."""

    def __init__(self, contract: Contract, version: int = 1, weights: int = 0) -> None:
        self._weights = weights
        self._contract = contract
        self._document = contract.to_json().encode()
        self._version = version

    def predict(
        self, model: str, version: int, features: Features, deadline_seconds: float
    ) -> tuple[int, dict[str, Array]]:
        if version != self._version:
            raise UnknownVersion(model, version)
        return version, {
            "scores": scores(features, self._contract.answers.specs["scores"].shape[1] or 0, self._weights)
        }

    def contract(self, model: str, version: int, deadline_seconds: float) -> bytes:
        return self._document

    def versions(self, model: str, deadline_seconds: float) -> tuple[VersionStatus, ...]:
        return (VersionStatus(self._version, VersionState.AVAILABLE),)

    def labelled(self, model: str, label: str, deadline_seconds: float) -> int:
        raise UnknownLabel(model, label)

    def judged(self, model: str, admitted: Collection[int], refused: Collection[int]) -> None:
        pass

    def aside(self) -> ModelRunner:
        return self

    def forget(self, model: str) -> None:
        pass

    def close(self) -> None:
        pass
