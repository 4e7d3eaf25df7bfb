"""The Open Inference Protocol v2 over HTTP (/v2), for clients of Triton and KServe, with raw instances."""

from importlib.metadata import version as installed
from typing import Any

from flask import Blueprint, Response, request

from serving.catalog import Catalog
from serving.errors import UnknownVersion
from serving.gateway.drain import Drain
from serving.gateway.protocols.answering import Answering
from serving.gateway.protocols.inference_v2_extensions import add_extensions
from serving.gateway.protocols.inference_v2_reply import infer_reply
from serving.gateway.protocols.inference_v2_request import parameters, read_document, read_inputs, requested_outputs
from serving.gateway.protocols.inference_v2_tensors import wanted_outputs
from serving.gateway.protocols.named_tensors import TensorInfo, input_tensors, output_columns, output_tensors
from serving.gateway.replies import json_reply
from serving.monitoring.gateway_metrics import Metrics


def inference_v2_routes(
    answering: Answering, catalog: Catalog, metrics: Metrics, drain: Drain, max_depth: int
) -> Blueprint:
    """Make the blueprint. JSON may be nested *max_depth* deep."""
    routes = Blueprint("inference_v2", __name__, url_prefix="/v2")
    answering.register_hooks(routes)
    _add_server(routes, catalog, drain)
    _add_models(routes, answering, catalog)
    _add_infer(routes, answering, max_depth)
    add_extensions(routes, catalog, metrics, max_depth)
    return routes


def _add_server(routes: Blueprint, catalog: Catalog, drain: Drain) -> None:
    @routes.get("")
    def server() -> Response:
        return json_reply({"name": "plumbline", "version": _VERSION, "extensions": ["binary_tensor_data"]})

    @routes.get("/health/live")
    def live() -> Response:
        return json_reply({"live": True})

    @routes.get("/health/ready")
    def ready() -> Response:
        everything = catalog.ready and not drain.begun
        return json_reply({"ready": everything}, 200 if everything else 503)


def _add_models(routes: Blueprint, answering: Answering, catalog: Catalog) -> None:
    @routes.get("/models/<model>")
    @routes.get("/models/<model>/versions/<int:version>")
    def model_metadata(model: str, version: int | None = None) -> Response:
        contract = answering.live(model, version).contract
        versions = [str(number) for number in catalog.state(model).live]
        metadata = {"name": model, "versions": versions, "platform": "plumbline_contract"}
        tensors = {"inputs": input_tensors(contract), "outputs": output_tensors(contract.answers)}
        return json_reply(metadata | {name: list(map(_described, infos)) for name, infos in tensors.items()})

    @routes.get("/models/<model>/ready")
    @routes.get("/models/<model>/versions/<int:version>/ready")
    def model_ready(model: str, version: int | None = None) -> Response:
        state = catalog.state(model)
        if version is not None and version not in state.live:
            raise UnknownVersion(model, version)
        return json_reply({"name": model, "ready": state.ready}, 200 if state.ready else 503)


def _add_infer(routes: Blueprint, answering: Answering, max_depth: int) -> None:
    @routes.post("/models/<model>/infer")
    @routes.post("/models/<model>/versions/<int:version>/infer")
    def infer(model: str, version: int | None = None) -> Response:
        contract = answering.live(model, version).contract
        document, binary = read_document(request, max_depth)
        as_bytes = parameters(document).get("binary_data_output") is True
        known = [info.name for info in output_tensors(contract.answers)]
        wanted = wanted_outputs(requested_outputs(document), known, as_bytes)
        prediction = answering.predict(model, lambda: read_inputs(document, binary, contract), version)
        reply: dict[str, Any] = {"model_name": model, "model_version": str(prediction.version)}
        if document.get("id") is not None:
            reply["id"] = document["id"]
        return infer_reply(reply, output_columns(prediction.heads, prediction.answers), wanted)


_VERSION = installed("plumbline")


def _described(info: TensorInfo) -> dict[str, Any]:
    return {"name": info.name, "datatype": info.datatype, "shape": info.shape}
