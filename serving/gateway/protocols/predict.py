"""POST /predict/<model>."""

from flask import Blueprint, Response, request

from serving.gateway.protocols.answering import Answering
from serving.gateway.protocols.named_tensors import only_file
from serving.gateway.protocols.predict_body import Instances, read_instances
from serving.gateway.replies import json_reply
from serving.gateway.routing import VERSION_PARAMETERS, check_parameters


def predict_routes(answering: Answering, max_depth: int) -> Blueprint:
    """Make the blueprint. JSON may be nested *max_depth* deep."""
    routes = Blueprint("predict", __name__)
    answering.register_hooks(routes)

    @routes.post("/predict/<model>")
    def predict(model: str) -> Response:
        def file_field() -> str | None:
            return only_file(answering.live(model).contract)

        def read() -> Instances:
            check_parameters(request, VERSION_PARAMETERS)
            return read_instances(request, file_field, max_depth)

        prediction = answering.predict(model, read)
        return json_reply({"model": model, "version": prediction.version, "predictions": prediction.answers})

    return routes
