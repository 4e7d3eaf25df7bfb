"""The standard gRPC health service as the original has it: it only says that the server is up.

GetModelStatus says whether a model is ready.
"""

from typing import Any

from serving.runtime.errors import not_found
from serving.tfserving import rebuilt_messages

SERVICES = ("", "ModelService", "PredictionService")  # the original registers these short names
SERVING = 1


def check(request: Any) -> Any:
    """Answer a HealthCheckRequest."""
    if request.service not in SERVICES:
        raise not_found(f"unknown service {request.service}")
    return rebuilt_messages.HealthCheckResponse(status=SERVING)
