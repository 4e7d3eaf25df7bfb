"""GET /openapi.json: the API as OpenAPI 3.1, generated from the live contracts at each request."""

from importlib.metadata import version
from typing import Any

from flask import Blueprint, Response

from serving.catalog import Catalog, LiveModel
from serving.gateway.openapi import schemas
from serving.gateway.openapi.components import FieldSchemas
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
    OPEN_INFERENCE: "For clients of Triton and KServe: one input tensor for each field of an instance.",
    TENSORFLOW_SERVING: "For callers of TensorFlow Serving's REST API: raw instances in its row or column format.",
    OPERATIONS: "For operators of the gateway.",
}


def openapi_routes(catalog: Catalog, max_instances: int, needs_key: bool) -> Blueprint:
    """Make the blueprint. Requests have at most *max_instances* instances, and an API key if *needs_key*."""
    routes = Blueprint("openapi", __name__)

    @routes.get("/openapi.json")
    def document() -> Response:
        live = [state.newest for state in map(catalog.state, catalog.models) if state.newest]
        described = _document(live, catalog.models, max_instances)
        return json_reply(with_keys(described) if needs_key else described)

    return routes


def _document(live: list[LiveModel], models: tuple[str, ...], max_instances: int) -> dict[str, Any]:
    paths: dict[str, Any] = {}
    components = {
        "Problem": _PROBLEM,
        "Error": schemas.closed({"error": STRING}),
        "Model": {"enum": list(models)},
        **_DETAILS,
    }
    for model in live:
        named = FieldSchemas.of(model.contract)
        paths |= model_paths(model, named, max_instances)
        components |= named.components
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Plumbline",
            "version": version("plumbline"),
            "description": "Keras models behind one gateway. A model has its paths here while a version of it is live.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "tags": [{"name": name, "description": text} for name, text in _TAGS.items()],
        "paths": paths | shared_paths(),
        "components": {"schemas": components},
    }


_DETAILS = {
    "Details": schemas.ANY_OBJECT,
    "Ready": {"type": "object", "required": ["ready"]},
    "Statistics": schemas.STATISTICS,
}
_COUNT = {"type": "integer", "minimum": 0}
_PROBLEM = schemas.closed(
    {
        "type": {**STRING, "description": "urn:plumbline:problem:<code>"},
        "title": STRING,
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {**STRING, "description": "What was expected, and what was sent."},
        "code": {**STRING, "description": "Stable; for programs."},
        "request_id": {**STRING, "description": "The header X-Request-ID: the caller's, or a generated one."},
        "model": STRING,
        "errors": array(
            schemas.closed(
                {
                    "pointer": {**STRING, "description": "The place in the body, as an RFC 6901 pointer."},
                    "index": {**_COUNT, "description": "The instance's number."},
                    "field": {**STRING, "description": "Empty for the instance itself."},
                    "detail": STRING,
                },
                optional=["pointer"],
            ),
        ),
        "error_count": {**_COUNT, "description": "The number of all errors; the first are listed."},
    },
    optional=["model", "errors", "error_count"],
) | {"description": "RFC 9457"}
