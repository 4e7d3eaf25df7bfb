"""One version of a model in this process, for batch scoring: without a server, and without other versions."""

import multiprocessing
from collections.abc import Collection
from pathlib import Path

from serving.catalog import ModelRunner
from serving.contract import Features
from serving.contract.arrays import Array
from serving.errors import ModelServerError, UnknownLabel, UnknownVersion
from serving.model_servers.errors import CannotServe
from serving.registry import read_versions
from serving.registry.carried import carried_contract
from serving.registry.errors import RegistryError
from serving.registry.versions import Version, newest_fit
from serving.runtime.engine import load_engine
from serving.runtime.errors import ServingError
from serving.runtime.lean_tensorflow import skip_public_api
from serving.tfserving.version_status import VersionState, VersionStatus


class OneVersionServer:
    """Serves one version of *model* from *models_dir*: *version*, or the newest that can be served."""

    def __init__(self, models_dir: Path, model: str, version: int | None) -> None:
        self._version = _find(models_dir, model, version)
        is_one_of_several = multiprocessing.parent_process() is not None
        if is_one_of_several:
            skip_public_api()  # this process only scores; nothing else in it needs the API
        try:
            self._engine = load_engine(self._version.path, threads=int(is_one_of_several))
        except ServingError as error:
            raise CannotServe(str(error)) from error

    def predict(
        self, model: str, version: int, features: Features, deadline_seconds: float
    ) -> tuple[int, dict[str, Array]]:
        """Run the model. The deadline has no effect: a computation can't be interrupted."""
        self._check(model, version)
        try:
            return version, self._engine.compute(features)
        except ServingError as error:
            raise ModelServerError(model, str(error)) from error

    def contract(self, model: str, version: int, deadline_seconds: float) -> bytes:
        """Read the contract's JSON from the version's folder, and compare it with that of its graph."""
        self._check(model, version)
        return carried_contract(self._version.path)

    def versions(self, model: str, deadline_seconds: float) -> tuple[VersionStatus, ...]:
        """List the one version."""
        return (VersionStatus(self._version.number, VersionState.AVAILABLE, engine=self._engine.name),)

    def labelled(self, model: str, label: str, deadline_seconds: float) -> int:
        """Raise UnknownLabel: only a separate model server has labels."""
        raise UnknownLabel(model, label)

    def judged(self, model: str, admitted: Collection[int], refused: Collection[int]) -> None:
        """Do nothing: it serves only one."""

    def aside(self) -> ModelRunner:
        """Return itself: there are no requests."""
        return self

    def forget(self, model: str) -> None:
        """Do nothing: it serves only one."""

    def close(self) -> None:
        """Do nothing: the model is freed with the last reference."""

    def _check(self, model: str, version: int) -> None:
        if version != self._version.number:
            raise UnknownVersion(model, version)


def _find(models_dir: Path, model: str, version: int | None) -> Version:
    if not models_dir.is_dir():
        raise CannotServe(f"--models-dir {models_dir}: there is no such folder")
    try:
        found = read_versions(models_dir, model)
    except RegistryError as error:
        raise CannotServe(str(error)) from error
    wanted = [it for it in found if version in (None, it.number)]
    if not wanted:
        raise CannotServe(f"{models_dir} has no version {version} of {model}")
    if (fit := newest_fit(wanted)) is None:
        raise CannotServe(f"{model}: version {wanted[-1].number} can't be served: {wanted[-1].problem}")
    return fit
