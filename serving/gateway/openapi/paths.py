"""The paths of the OpenAPI document: those of each model, by its contract, and those that all models share."""

import re
from collections.abc import Sequence
from typing import Any

from serving.catalog import LiveModel
from serving.contract import Contract
from serving.gateway.openapi import schemas
from serving.gateway.openapi.components import Schema, Types, ref
from serving.gateway.openapi.schemas import STRING, array
from serving.gateway.protocols.named_tensors import input_tensors, json_fields, only_file, to_json

JSON = "application/json"
PROBLEM_JSON = "application/problem+json"

PREDICT, MODELS, OPERATIONS = "Predict", "Models", "Operations"
OPEN_INFERENCE, TENSORFLOW_SERVING = "Open Inference Protocol", "TensorFlow Serving"

PROBLEMS = {
    400: "The body does not match its media type, or lacks the outer structure; or the query is not as expected.",
    401: "The API key is missing or unknown.",
    403: "The API key is for other models.",
    404: "There is no such model or version.",
    413: "The body, or the number of instances in it, exceeds the limit.",
    415: "This model does not accept the media type.",
    422: "Instances violate the contract; `errors` has the place of each error.",
    429: "The queue of this model is full, other images are being decoded, or the rate limit of this key is exceeded; "
    "`Retry-After` says when to retry.",
    502: "The model server answered with an error.",
    503: "The model server is unavailable or overloaded, or the model is not ready.",
    504: "The deadline passed before the model server answered.",
}
VERSION: Schema = {"type": "integer", "minimum": 1, "maximum": 2**63 - 1}
_BEHIND = (429, 502, 503, 504)


def model_paths(live: LiveModel, name: str, types: Types, max_instances: int) -> dict[str, Any]:
    """Describe one model's predictions in each protocol. A request has at most *max_instances* instances.

    *name* is the model's in the names of operations.
    """
    model, contract = live.model, live.contract
    operations = {
        f"/predict/{model}": ("predict", _predict(live, types, max_instances)),
        f"/v2/models/{model}/infer": ("infer", _infer(contract, types)),
        f"/v1/models/{model}:predict": ("tfserving_predict", _rows(contract, types, max_instances)),
    }
    return {
        path: {"post": _with_version({**operation, "operationId": f"{verb}_{name}"})}
        for path, (verb, operation) in operations.items()
    }


def feedback_paths(live: LiveModel, name: str, types: Types, max_items: int) -> dict[str, Any]:
    """Describe how to tell what turned out to be true of one model's answers, at most *max_items* at a time."""
    if not schemas.compared(live.contract):
        return {}
    item = {"request_id": "0fad3b39b94dd99ce713250d96c422b1", "index": 0, "truth": schemas.true_example(live.contract)}
    examples = {"one": {"value": item}, "many": {"value": {"feedback": [item]}}}
    content = {JSON: {"schema": schemas.feedback_request(live.contract, types, max_items), "examples": examples}}
    operation = _operation(f"Tell the truth of answers of {live.model}", PREDICT, {}, (400, 413, 415, 422, 429, 503))
    responses = operation["responses"]
    kept = {"description": "It is on the disk, or in the store.", "content": {JSON: {"schema": ref("Accepted")}}}
    described = {
        **operation,
        "responses": {"202": kept, **{each: responses[each] for each in responses if each != "200"}},
    }
    return {
        f"/feedback/{live.model}": {"post": {**described, "operationId": f"tell_{name}", "requestBody": _body(content)}}
    }


def explain_paths(live: LiveModel, name: str, types: Types, budget: int) -> dict[str, Any]:
    """Describe how one of one model's answers is explained, by at most *budget* predictions."""
    contract = live.contract
    content: dict[str, Any] = {
        JSON: {"schema": types.instance, "examples": {"one": {"value": contract.examples[0].instance}}}
    }
    if only_file(contract):
        content["application/octet-stream"] = {"schema": {"type": "string", "format": "binary"}}
    answer = {JSON: {"schema": schemas.explain_reply(contract, types)}}
    operation = _operation(f"Explain an answer of {contract.model}", PREDICT, answer, (400, 413, 415, 422, *_BEHIND))
    described = _with_version({**operation, "operationId": f"explain_{name}", "requestBody": _body(content)})
    described["parameters"] = [*described["parameters"], *schemas.explain_parameters(contract, types, budget)]
    return {f"/explain/{live.model}": {"post": described}}


def captures_paths() -> dict[str, Any]:
    """Describe what is told of captures."""
    path = "/captures/mistakes/{model}"
    operation = _operation(
        "List the last wrong answers", OPERATIONS, {JSON: {"schema": ref("Mistakes")}}, (400, 404, 503)
    )
    refused = {**failure(403, OPERATIONS), "description": "The API key may not read captures of this model."}
    named = {"operationId": _operation_id("get", path), **operation, "parameters": [_parameter("model", ref("Model"))]}
    return {path: {"get": {**named, "responses": {**operation["responses"], "403": refused}}}}


def shared_paths() -> dict[str, Any]:
    """Describe all other routes."""
    model = _parameter("model", ref("Model"))
    version = _parameter("version", VERSION)

    def get(path: str, summary: str, tag: str, schema: str, failures: Sequence[int] = ()) -> dict[str, Any]:
        parameters = [each for each in (model, version) if f"{{{each['name']}}}" in path]
        operation = _operation(summary, tag, {JSON: {"schema": ref(schema)}}, failures)
        named = {"operationId": _operation_id("get", path), **operation}
        return {path: {"get": {**named, **({"parameters": parameters} if parameters else {})}}}

    paths = {
        **get("/models", "List the models", MODELS, "Models"),
        **get("/models/{model}", "Describe a model", MODELS, "ModelDetails", (404,)),
        **get(f"/models/{_VERSION}/contract", "Get a version's contract", MODELS, "Details", (404, 503)),
        **get("/healthz", "Is the process alive?", OPERATIONS, "Health"),
        **get("/readyz", "Is it ready to be sent requests?", OPERATIONS, "Readiness"),
        "/metrics": {"get": _metrics()},
        **get("/v2", "Describe the server", OPEN_INFERENCE, "Server"),
        **get("/v2/health/live", "Is the process alive?", OPEN_INFERENCE, "Live"),
        **get("/v2/models/stats", "Count all models' requests", OPEN_INFERENCE, "Statistics"),
        "/v2/repository/index": {"post": _index()},
        **get("/v2/health/ready", "Is it ready to be sent requests?", OPEN_INFERENCE, "Ready"),
    }
    for path in ("/v2/models/{model}", f"/v2/models/{_VERSION}"):
        paths |= get(path, "List a model's tensors", OPEN_INFERENCE, "Metadata", (404, 503))
        paths |= get(f"{path}/ready", "Is the model ready?", OPEN_INFERENCE, "Ready", (404,))
        paths |= get(f"{path}/stats", "Count a model's requests", OPEN_INFERENCE, "Statistics", (404,))
    for path in ("/v1/models/{model}", f"/v1/models/{_VERSION}"):
        paths |= get(path, "List a model's versions", TENSORFLOW_SERVING, "VersionStatuses", (404, 503))
        paths |= get(f"{path}/metadata", "Describe the signature", TENSORFLOW_SERVING, "Details", (404, 503))
    for path in ("/readyz", "/v2/health/ready", "/v2/models/{model}/ready", f"/v2/models/{_VERSION}/ready"):
        responses = paths[path]["get"]["responses"]
        responses["503"] = {**responses["200"], "description": "Not ready."}
    return paths


def _metrics() -> dict[str, Any]:
    content = {media: {"schema": STRING} for media in ("text/plain", "application/openmetrics-text")}
    operation = _operation("Metrics for Prometheus", OPERATIONS, content, ())
    return {"operationId": _operation_id("get", "/metrics"), **operation}


def _operation_id(method: str, path: str) -> str:
    """Make a name from a path, which is independent of the models: get_v2_models_model_ready."""
    return "_".join([method, *re.findall(r"\w+", path)])


def _index() -> dict[str, Any]:
    listed = {JSON: {"schema": array(ref("IndexEntry"))}}
    operation = _operation("List all versions", OPEN_INFERENCE, listed, (400, 413))
    named = {"operationId": "post_v2_repository_index", **operation}
    return {**named, "requestBody": {"required": False, "content": {JSON: {"schema": ref("IndexQuestion")}}}}


def _predict(live: LiveModel, types: Types, max_instances: int) -> dict[str, Any]:
    contract = live.contract
    example = contract.examples[0].instance
    outputs = {name: array[None] for name, array in contract.examples[0].outputs.items()}
    examples = {"one": {"value": example}, "many": {"value": {"instances": [example]}}}
    content: dict[str, Any] = {JSON: {"schema": schemas.predict_request(types, max_instances), "examples": examples}}
    described = {}
    if file := only_file(contract):
        content["multipart/form-data"] = {"schema": schemas.predict_files(file, types, max_instances)}
        content["application/octet-stream"] = {"schema": {"type": "string", "format": "binary"}}
        described = {"description": "The file itself may also be sent with a media type of its own, such as image/png."}
    reply = {"model": live.model, "version": live.version, "predictions": contract.answers.make(outputs)}
    answer = {JSON: {"schema": schemas.predict_reply(contract, types), "example": reply}}
    operation = _operation(f"Predict with {contract.model}", PREDICT, answer, (400, 413, 415, 422, *_BEHIND))
    return {**operation, **described, "requestBody": _body(content)}


def _infer(contract: Contract, types: Types) -> dict[str, Any]:
    instance = contract.examples[0].instance
    as_json = json_fields(contract)
    inputs = [
        {"name": info.name, "datatype": info.datatype, "shape": [1, *info.shape[1:]], "data": [value]}
        for info in input_tensors(contract)
        for value in [to_json(instance.get(info.name)) if info.name in as_json else instance.get(info.name)]
        if info.shape == (-1,) or value is not None  # a whole list that is missing is not in a tensor
    ]
    content = {
        JSON: {"schema": schemas.infer_request(contract, types), "examples": {"one": {"value": {"inputs": inputs}}}}
    }
    binary = {"schema": {"type": "string", "format": "binary"}}
    answer = {JSON: {"schema": ref("InferReply")}, "application/octet-stream": binary}
    operation = _operation(f"Predict with {contract.model}", OPEN_INFERENCE, answer, (400, 413, *_BEHIND))
    return {**operation, "requestBody": _body(content)}


def _rows(contract: Contract, types: Types, max_instances: int) -> dict[str, Any]:
    examples = {"rows": {"value": {"instances": [contract.examples[0].instance]}}}
    content = {JSON: {"schema": schemas.rows_request(contract, types, max_instances), "examples": examples}}
    answer = {JSON: {"schema": schemas.rows_reply(contract, types)}}
    operation = _operation(f"Predict with {contract.model}", TENSORFLOW_SERVING, answer, (400, 413, *_BEHIND))
    description = "The column format, with `inputs` instead of `instances`, is accepted too."
    return {**operation, "description": description, "requestBody": _body(content)}


_VERSION = "{model}/versions/{version}"


def _operation(summary: str, tag: str, content: dict[str, Any], failures: Sequence[int]) -> dict[str, Any]:
    failed = {str(status): failure(status, tag) for status in failures}
    return {
        "summary": summary,
        "tags": [tag],
        "responses": {"200": {"description": "OK", "content": content}, **failed},
    }


def failure(status: int, tag: str) -> dict[str, Any]:
    """Describe a response of this status to an operation with this *tag*."""
    is_foreign = tag in (OPEN_INFERENCE, TENSORFLOW_SERVING)
    kind = {JSON: {"schema": ref("Error")}} if is_foreign else {PROBLEM_JSON: {"schema": ref("Problem")}}
    return {"description": PROBLEMS[status], "content": kind}


def _body(content: dict[str, Any]) -> dict[str, Any]:
    return {"required": True, "content": content}


def _parameter(name: str, schema: Schema) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _with_version(operation: dict[str, Any]) -> dict[str, Any]:
    """Add the choice of a version, and the 404 for a version or label that does not exist."""
    failed = {**operation["responses"]["400"], "description": PROBLEMS[404]}
    return {**operation, "parameters": [_VERSION_QUERY], "responses": {**operation["responses"], "404": failed}}


_VERSION_QUERY = {
    "name": "version",
    "in": "query",
    "schema": VERSION,
    "description": "The version that should answer; `label=` names a label instead. "
    "The header X-Request-Timeout sets the seconds after which the caller gives up.",
}
