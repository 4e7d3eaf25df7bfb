"""The gRPC PredictionService: Predict and GetModelMetadata."""

from typing import Any

from tensorflow_serving.apis import get_model_metadata_pb2

from serving.local_server.manager import ModelManager
from serving.runtime.errors import invalid_argument
from serving.runtime.predict_request import predict
from serving.runtime.servable import Servable


class PredictionService:
    """The methods of the service; they raise ServingError."""

    def __init__(self, manager: ModelManager, as_content: bool) -> None:
        self._manager = manager
        self._as_content = as_content

    def predict(self, request: Any, deadline: float | None) -> Any:
        """Run a signature of a model."""
        version, servable = self._manager.find(request)
        response = predict(servable, request, self._as_content, deadline)
        response.model_spec.name = request.model_spec.name
        response.model_spec.version.value = version
        return response

    def get_model_metadata(self, request: Any) -> Any:
        """Return a model's signatures."""
        version, servable = self._manager.find(request)
        if not request.metadata_field:
            raise invalid_argument("GetModelMetadataRequest must specify at least one metadata_field")
        for field in request.metadata_field:
            if field != "signature_def":
                raise invalid_argument(f"Metadata field {field} is not supported")
        response = get_model_metadata_pb2.GetModelMetadataResponse()
        response.model_spec.name = request.model_spec.name
        response.model_spec.version.value = version
        response.metadata["signature_def"].Pack(signature_map(servable))
        return response


def signature_map(servable: Servable) -> Any:
    """Return the SignatureDefMap with which both ports answer metadata requests."""
    signatures = get_model_metadata_pb2.SignatureDefMap()
    for name, definition in servable.signature_defs.items():
        signatures.signature_def[name].CopyFrom(definition)
    return signatures
