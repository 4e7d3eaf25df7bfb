"""What the OpenAPI document says of API keys, where they are set."""

from typing import Any

from serving.gateway.openapi.paths import failure

_OPEN = frozenset({"/healthz", "/readyz", "/metrics", "/v2/health/live", "/v2/health/ready"})
_SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "The API key."},
    "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}


def with_keys(document: dict[str, Any]) -> dict[str, Any]:
    """Give *document* with the keys that its operations need, and how they are refused."""
    paths = {
        path: operations if path in _OPEN else _locked(operations) for path, operations in document["paths"].items()
    }
    components = {**document["components"], "securitySchemes": _SCHEMES}
    return {**document, "paths": paths, "components": components}


def _locked(operations: dict[str, Any]) -> dict[str, Any]:
    security: list[dict[str, list[str]]] = [{name: []} for name in _SCHEMES]
    return {
        method: {**each, "security": security, "responses": _responses(each)} for method, each in operations.items()
    }


def _responses(operation: dict[str, Any]) -> dict[str, Any]:
    (tag,) = operation["tags"]
    return {**{str(status): failure(status, tag) for status in (401, 429)}, **operation["responses"]}
