"""Adds API keys to the OpenAPI document, where they are set."""

from typing import Any

from serving.gateway.open_routes import PROBE_PATHS
from serving.gateway.openapi.paths import failure

_SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "The API key."},
    "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}


def with_keys(document: dict[str, Any]) -> dict[str, Any]:
    """Return *document* with the keys that its operations need, and the replies without a valid one."""
    paths = {
        path: operations if path in PROBE_PATHS else _protected(operations)
        for path, operations in document["paths"].items()
    }
    components = {**document["components"], "securitySchemes": _SCHEMES}
    return {**document, "paths": paths, "components": components}


def _protected(operations: dict[str, Any]) -> dict[str, Any]:
    security: list[dict[str, list[str]]] = [{name: []} for name in _SCHEMES]
    return {
        method: {**each, "security": security, "responses": _responses(each)} for method, each in operations.items()
    }


def _responses(operation: dict[str, Any]) -> dict[str, Any]:
    (tag,) = operation["tags"]
    return {**{str(status): failure(status, tag) for status in (401, 403, 429)}, **operation["responses"]}
