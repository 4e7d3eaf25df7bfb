"""Any error -> a problem in the form of RFC 9457 (application/problem+json). The only place that does it.

Under /v1 and /v2 it is `{"error": "..."}`, as both of those protocols have it, and an invalid instance is a 400.
"""

import logging
from typing import Any

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException

from serving.errors import InvalidInstance, PredictionError, RequestTooLarge
from serving.gateway.middleware.request_ids import request_id
from serving.gateway.protocols.predict_body import Instances
from serving.gateway.replies import json_reply

_log = logging.getLogger(__name__)

_PROTOCOLS = ("/v1/", "/v2/")
_RETRY_AFTER_SECONDS = 1
_CHALLENGE = 'Bearer realm="plumbline"'
_READ_AWAY_BYTES = 64 * 1024 * 1024
_CODES = {413: RequestTooLarge.code}
"""Codes of ours for what werkzeug finds before we do; the others are named after the HTTP status."""


def register_problems(app: Flask) -> None:
    """Make *app* answer every error with a problem."""
    app.register_error_handler(PredictionError, _own)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _unexpected)


def _own(error: PredictionError) -> Response:
    if error.status >= 500:
        _log.warning("; ".join([str(error), *getattr(error, "__notes__", ())]))
    detail = str(error)
    errors: dict[str, Any] = {}
    if isinstance(error, InvalidInstance):
        errors = _errors(error)
        if request.path.startswith(_PROTOCOLS):
            detail = described(error, g.get("instances"))
    reply = _problem(error.status, error.code, detail, **errors)
    if error.status in (429, 503):
        reply.headers["Retry-After"] = str(getattr(error, "retry_after_seconds", _RETRY_AFTER_SECONDS))
    if error.status == 401:
        reply.headers["WWW-Authenticate"] = _CHALLENGE
    return reply


def _errors(error: InvalidInstance) -> dict[str, Any]:
    instances: Instances | None = g.get("instances")
    pointer = instances.pointer if instances else None
    listed = [
        ({"pointer": pointer(index, each.field)} if pointer else {})
        | {"index": index, "field": each.field, "detail": each.problem}
        for index, each in error.errors
    ]
    return {"errors": listed, "error_count": error.count}


def described(error: InvalidInstance, instances: Instances | None) -> str:
    """Say in one line all that is wrong, each with its place; fields that are missing altogether are told once."""
    missing = instances.missing if instances else ()
    pointer = instances.pointer if instances else None
    rest = [(index, each) for index, each in error.errors[1:] if each.field not in missing]
    told = [f"{pointer(index, each.field)}: {each.problem}" if pointer else str(each) for index, each in rest]
    if missing:
        told.append(f"/inputs: expected {', '.join(missing)} too")
    return "; ".join([str(error), *told])


def _http(error: HTTPException) -> Response | HTTPException:
    status = error.code or 500
    if status < 400:
        return error  # a redirect
    if status == 413:
        _read_away()
    code = _CODES.get(status, error.name.lower().replace(" ", "_"))
    reply = _problem(status, code, error.description or error.name)
    for name, value in error.get_headers():
        if name == "Allow":
            reply.headers[name] = value
    return reply


def _read_away() -> None:
    """Read the body that was refused: closing with unread bytes resets the connection, and the answer is lost."""
    left = _READ_AWAY_BYTES
    while left > 0 and (chunk := request.environ["wsgi.input"].read(65536)):
        left -= len(chunk)


def _unexpected(error: Exception) -> Response:
    _log.error("unexpected error", exc_info=error)
    return _problem(500, "internal", "an unexpected error; the gateway's log has it")


def _problem(status: int, code: str, detail: str, **more: Any) -> Response:
    if request.path.startswith(_PROTOCOLS):
        return json_reply({"error": detail}, 400 if status == 422 else status)
    problem = {
        "type": f"urn:plumbline:problem:{code}",
        "title": code.replace("_", " ").capitalize(),
        "status": status,
        "detail": detail,
        "code": code,
        "request_id": request_id(),
    }
    if "model" in g:
        problem["model"] = g.model
    return json_reply({**problem, **more}, status, "application/problem+json")
