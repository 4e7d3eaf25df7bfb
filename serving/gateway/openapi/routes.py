"""GET /openapi.json: the API as OpenAPI 3.1, made anew from the contracts that are live."""

from importlib.metadata import version
from typing import Any

from flask import Blueprint, Response

from serving.catalog import Catalog, LiveModel
from serving.gateway.openapi import schemas
from serving.gateway.openapi.keys import with_keys
from serving.gateway.openapi.paths import (
    MODELS,
    OPEN_INFERENCE,
    OPERATIONS,
    PREDICT,
    TENSORFLOW_SERVING,
    model_paths,
    shared_paths,
)
from serving.gateway.openapi.schemas import STRING, array
from serving.gateway.replies import json_reply

_TAGS = {
    PREDICT: "Raw instances in, answers out.",
    MODELS: "What is served, and where it comes from.",
    OPEN_INFERENCE: "For the clients of Triton and KServe: one input tensor for each field of an instance.",
    TENSORFLOW_SERVING: "For the callers of TensorFlow Serving's REST API: raw instances in its row or column format.",
    OPERATIONS: "For those who run the gateway.",
}


def openapi_routes(catalog: Catalog, most_instances: int, asks_key: bool) -> Blueprint:
    """Make the blueprint; a request has at most *most_instances* instances, and an API key where *asks_key*."""
    routes = Blueprint("openapi", __name__)

    @routes.get("/openapi.json")
    def document() -> Response:
        live = [state.newest for state in map(catalog.state, catalog.models) if state.newest]
        told = _document(live, catalog.models, most_instances)
        return json_reply(with_keys(told) if asks_key else told)

    return routes


def _document(live: list[LiveModel], models: tuple[str, ...], most_instances: int) -> dict[str, Any]:
    paths: dict[str, Any] = {}
    for model in live:
        paths |= model_paths(model, most_instances)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Plumbline",
            "version": version("plumbline"),
            "description": "Keras models behind one gateway. A model has its paths here while a version of it is live.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "tags": [{"name": name, "description": text} for name, text in _TAGS.items()],
        "paths": paths | shared_paths(models),
        "components": {"schemas": {"Problem": _PROBLEM, "Error": schemas.closed({"error": STRING})}},
    }


_COUNT = {"type": "integer", "minimum": 0}
_PROBLEM = schemas.closed(
    {
        "type": {**STRING, "description": "urn:plumbline:problem:<code>"},
        "title": STRING,
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {**STRING, "description": "What was expected, and what came."},
        "code": {**STRING, "description": "Stable; for programs."},
        "request_id": {**STRING, "description": "The header X-Request-ID, the caller's or one that was made."},
        "model": STRING,
        "errors": array(
            schemas.closed(
                {
                    "pointer": {**STRING, "description": "The place in the body, as RFC 6901 writes it."},
                    "index": {**_COUNT, "description": "The instance's number."},
                    "field": {**STRING, "description": "Empty if it is the instance itself."},
                    "detail": STRING,
                },
                optional=["pointer"],
            ),
        ),
        "error_count": {**_COUNT, "description": "Of all errors; the first are listed."},
    },
    optional=["model", "errors", "error_count"],
) | {"description": "RFC 9457"}
