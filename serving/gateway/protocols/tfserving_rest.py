"""TensorFlow Serving's REST API (/v1), with raw instances: callers change the address and drop their preprocessing.

Like there, a request's Content-Type is ignored.
"""

from typing import Any

from flask import Blueprint, Response, request
from werkzeug.routing import BaseConverter

from serving.catalog import Catalog, ModelState
from serving.gateway.protocols import tfserving_body as body
from serving.gateway.protocols.answering import Answering
from serving.gateway.protocols.body import parse_json, read_body
from serving.gateway.protocols.named_tensors import BYTES, TensorInfo, input_tensors, output_columns, output_tensors
from serving.gateway.protocols.predict_body import Instances
from serving.gateway.replies import json_reply

_MODEL = "/models/<name:model>"
_VERSION = f"{_MODEL}/versions/<int:version>"
_LABEL = f"{_MODEL}/labels/<label>"


class NameConverter(BaseConverter):
    """Matches a name up to the colon before the verb, so that a wrong method for it is reported as that."""

    regex = "[^/:]+"


def tfserving_routes(answering: Answering, catalog: Catalog, max_depth: int) -> Blueprint:
    """Make the blueprint. JSON may be nested *max_depth* deep."""
    routes = Blueprint("tfserving_rest", __name__, url_prefix="/v1")
    answering.register_hooks(routes)
    _add_models(routes, answering, catalog)
    _add_predict(routes, answering, max_depth)
    return routes


def _add_models(routes: Blueprint, answering: Answering, catalog: Catalog) -> None:
    @routes.get(_MODEL)
    @routes.get(_VERSION)
    @routes.get(_LABEL)
    def model_status(model: str, version: int | None = None, label: str | None = None) -> Response:
        if label is not None:
            version = answering.live(model, label=label).version
        elif version is not None or not catalog.state(model).refused:
            answering.live(model, version)  # or raise the error that says what is wrong
        state = catalog.state(model)
        status: dict[str, Any] = {"model_version_status": _statuses(state, version)}
        if version is None:  # which clients of KServe's protocol V1 read
            status = {"name": model, "ready": state.ready, **status}
        return json_reply(status)

    @routes.get(f"{_MODEL}/metadata")
    @routes.get(f"{_VERSION}/metadata")
    @routes.get(f"{_LABEL}/metadata")
    def metadata(model: str, version: int | None = None, label: str | None = None) -> Response:
        live = answering.live(model, version, label)
        signature = {
            "inputs": {info.name: _tensor_info(info) for info in input_tensors(live.contract)},
            "outputs": {info.name: _tensor_info(info) for info in output_tensors(live.contract.answers)},
            "method_name": "tensorflow/serving/predict",
        }
        spec = {"name": model, "signature_name": "", "version": str(live.version)}
        definitions = {"signature_def": {"signature_def": {body.SIGNATURE: signature}}}
        return json_reply({"model_spec": spec, "metadata": definitions})


def _add_predict(routes: Blueprint, answering: Answering, max_depth: int) -> None:
    @routes.post(f"{_MODEL}:predict")
    @routes.post(f"{_VERSION}:predict")
    @routes.post(f"{_LABEL}:predict")
    def predict(model: str, version: int | None = None, label: str | None = None) -> Response:
        contract = answering.live(model, version, label).contract
        document = parse_json(read_body(request), max_depth)
        is_rows = body.is_rows(document)

        def read() -> Instances:
            if is_rows:
                return body.read_rows(document["instances"], contract)
            return body.read_columns(document["inputs"], contract)

        prediction = answering.predict(model, read, version, label)
        columns = output_columns(prediction.heads, prediction.answers)
        return json_reply({"predictions": body.predictions(columns)} if is_rows else {"outputs": body.outputs(columns)})


def _statuses(state: ModelState, chosen: int | None) -> list[dict[str, Any]]:
    """List the versions, newest first. One that was not admitted counts as ended."""
    reasons = dict.fromkeys(state.live, "") | {number: each.reason for number, each in state.refused.items()}
    return [
        {
            "version": str(version),
            "state": "AVAILABLE" if version in state.live else "END",
            "status": {
                "error_code": "OK" if version in state.live else "FAILED_PRECONDITION",
                "error_message": reasons[version],
            },
        }
        for version in sorted(reasons, reverse=True)
        if chosen in (None, version)
    ]


def _tensor_info(info: TensorInfo) -> dict[str, Any]:
    dimensions = [{"size": str(size), "name": ""} for size in info.shape]
    return {
        "dtype": "DT_STRING" if info.datatype == BYTES else "DT_DOUBLE",
        "tensor_shape": {"dim": dimensions, "unknown_rank": False},
        "name": f"{info.name}:0",
    }
