"""Any error -> a problem in the form of RFC 9457 (application/problem+json). The only place that does it.

Under /v1 and /v2 it is `{"error": "..."}`, as both of those protocols have it, and an invalid instance is a 400.
"""

import logging
from collections.abc import Sequence
from typing import Any

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException

from serving.errors import InvalidInstance, PlumblineError, RequestTooLarge
from serving.gateway.replies import json_reply
from serving.gateway.request_ids import request_id

_log = logging.getLogger(__name__)

_PROTOCOLS = ("/v1/", "/v2/")
_RETRY_AFTER_SECONDS = 1
_CHALLENGE = 'Bearer realm="plumbline"'
_READ_AWAY_BYTES = 64 * 1024 * 1024
_CODES = {413: RequestTooLarge.code}
"""Codes of ours for what werkzeug finds before we do; the others are named after the HTTP status."""


def register_problems(app: Flask) -> None:
    """Make *app* answer every error with a problem."""
    app.register_error_handler(PlumblineError, _own)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _unexpected)


def _own(error: PlumblineError) -> Response:
    if error.status >= 500:
        _log.warning("; ".join([str(error), *getattr(error, "__notes__", ())]))
    errors = _errors(error) if isinstance(error, InvalidInstance) else {}
    reply = _problem(error.status, error.code, str(error), **errors)
    if error.status in (429, 503):
        reply.headers["Retry-After"] = str(getattr(error, "retry_after_seconds", _RETRY_AFTER_SECONDS))
    if error.status == 401:
        reply.headers["WWW-Authenticate"] = _CHALLENGE
    return reply


def _errors(error: InvalidInstance) -> dict[str, Any]:
    listed = [{"index": index, "field": each.field, "detail": each.problem} for index, each in error.errors]
    if pointer := g.get("pointer"):
        listed = [{"pointer": pointer(each["index"], each["field"]), **each} for each in listed]
    return {"errors": listed, "error_count": error.count}


def _with_all(detail: str, errors: Sequence[dict[str, Any]]) -> str:
    if len(errors) < 2:
        return detail
    return "; ".join([detail, *(f"{error['pointer']}: {error['detail']}" for error in errors[1:])])


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
        return json_reply({"error": _with_all(detail, more.get("errors", ()))}, 400 if status == 422 else status)
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
