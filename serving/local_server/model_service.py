"""The gRPC ModelService: the states of a model's versions, and reloads of the configuration."""

from collections.abc import Callable
from typing import Any

from tensorflow_serving.apis import get_model_status_pb2, model_management_pb2

from serving.local_server.config import from_server_config
from serving.local_server.manager import ModelManager
from serving.runtime.errors import invalid_argument, not_found
from serving.runtime.version import State, Version


def model_status(manager: ModelManager, request: Any) -> Any:
    """Answer a GetModelStatusRequest; like the original, ignore a label in it."""
    if not request.HasField("model_spec"):
        raise invalid_argument("Missing ModelSpec")
    spec = request.model_spec
    versions = manager.versions(spec.name)
    if spec.WhichOneof("version_choice") == "version":
        number = spec.version.value
        versions = [version for version in versions if version.number == number]
        if not versions:
            raise not_found(f"Could not find version {number} of model {spec.name}")
    if not versions:
        raise not_found(f"Could not find any versions of model {spec.name}")
    response = get_model_status_pb2.GetModelStatusResponse()
    for version in versions:
        _describe(version, response.model_version_status.add())
    return response


def _describe(version: Version, status: Any) -> None:
    status.version = version.number
    status.state = int(version.state)
    status.status.error_code = 0
    if version.error and version.state is State.END:
        status.status.error_code = version.error.code
        status.status.error_message = version.error.message


class ModelService:
    """The methods of the service; they raise ServingError."""

    def __init__(self, manager: ModelManager) -> None:
        self._manager = manager

    def get_model_status(self, request: Any) -> Any:
        """Return the states of a model's versions."""
        return model_status(self._manager, request)

    def reload_config(self, request: Any, is_active: Callable[[], bool]) -> Any:
        """Replace the whole configuration; wait for new models as long as the client does."""
        self._manager.apply(from_server_config(request.config), is_active)
        response = model_management_pb2.ReloadConfigResponse()
        response.status.error_code = 0
        for name in request.metric_names:
            response.metric.add(name=name, int64_value_increase=0)
        return response
