"""GET /openapi.json: the API as OpenAPI 3.1, generated from the live contracts at each request."""

from importlib.metadata import version
from typing import Any

from flask import Blueprint, Response

from serving.catalog import Catalog, LiveModel
from serving.gateway.openapi.components import Components, Types, one_of, words
from serving.gateway.openapi.keys import with_keys
from serving.gateway.openapi.paths import (
    MODELS,
    OPEN_INFERENCE,
    OPERATIONS,
    PREDICT,
    TENSORFLOW_SERVING,
    captures_paths,
    explain_paths,
    feedback_paths,
    model_paths,
    shared_paths,
)
from serving.gateway.openapi.schemas import STRING
from serving.gateway.openapi.shared import SHARED
from serving.gateway.replies import json_reply
from serving.gateway.request_facts import request_facts

_TAGS = {
    PREDICT: "Raw instances in, answers out.",
    MODELS: "What is served, and where it comes from.",
    OPEN_INFERENCE: "For clients of Triton and KServe: one input tensor for each field of an instance.",
    TENSORFLOW_SERVING: "For callers of TensorFlow Serving's REST API: raw instances in its row or column format.",
    OPERATIONS: "For operators of the gateway.",
}


def openapi_routes(
    catalog: Catalog, max_instances: int, needs_key: bool, takes_feedback: bool = False, explain_budget: int = 0
) -> Blueprint:
    """Make the blueprint. Requests have at most *max_instances* instances, and an API key if *needs_key*.

    With an *explain_budget*, answers are explained by at most so many predictions.
    """
    routes = Blueprint("openapi", __name__)

    @routes.get("/openapi.json")
    def document() -> Response:
        states = {model: state for model, state in catalog.states().items() if request_facts().may_use(model)}
        live = [state.newest for state in states.values() if state.newest]
        described = _document(live, tuple(states), max_instances, takes_feedback, explain_budget)
        return json_reply(with_keys(described) if needs_key else described)

    return routes


def _document(
    live: list[LiveModel], models: tuple[str, ...], max_instances: int, takes_feedback: bool, explain_budget: int
) -> dict[str, Any]:
    paths: dict[str, Any] = {}
    components = Components({**SHARED, "Model": one_of(models) if models else STRING})
    names = _names(models)
    for model in live:
        types = Types(model.contract, components, names[model.model])
        paths |= model_paths(model, names[model.model], types, max_instances)
        if explain_budget:
            paths |= explain_paths(model, names[model.model], types, explain_budget)
        if takes_feedback:
            paths |= feedback_paths(model, names[model.model], types, max_instances)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Plumbline",
            "version": version("plumbline"),
            "description": "Keras models behind one gateway. A model has its paths here while a version of it is live.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "tags": [{"name": name, "description": text} for name, text in _TAGS.items()],
        "paths": paths | shared_paths() | (captures_paths() if takes_feedback else {}),
        "components": {"schemas": components.schemas},
    }


def _names(models: tuple[str, ...]) -> dict[str, str]:
    """Return the models' names in those of operations and types, where a-b and a_b would be one."""
    names: dict[str, str] = {}
    for model in models:
        name = free = model.replace("-", "_")
        number = 1
        while words(free).lower() in {words(taken).lower() for taken in names.values()}:
            number += 1
            free = f"{name}_{number}"
        names[model] = free
    return names
