"""Turns any error into a problem as defined by RFC 9457 (application/problem+json). No other module does.

Under /v1 and /v2 it is `{"error": "..."}`, the form of both protocols, and an invalid instance is a 400.
"""

import logging
from functools import partial
from typing import Any

from flask import Flask, Response, request
from gunicorn.http.errors import NoMoreData, ParseException
from werkzeug.exceptions import HTTPException

from serving.errors import Fault, InvalidInstance, MalformedRequest, PredictionError, RequestTooLarge, UnknownModel
from serving.gateway.middleware.log_limit import LogLimit
from serving.gateway.middleware.request_ids import request_id
from serving.gateway.protocols.predict_body import Instances
from serving.gateway.replies import json_reply
from serving.gateway.request_facts import request_facts

_log = logging.getLogger(__name__)

_PROTOCOLS = ("/v1/", "/v2/")
_RETRY_AFTER_SECONDS = 1
_CHALLENGE = 'Bearer realm="plumbline"'
_CODES = {413: RequestTooLarge.code}
"""Plumbline's codes for errors that werkzeug finds first. Other codes are named after the HTTP status."""


def register_problems(app: Flask, log_limit: LogLimit) -> None:
    """Make *app* answer every error with a problem. Those that are logged are within *log_limit*."""
    app.register_error_handler(PredictionError, partial(_prediction_error, log_limit))
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(ParseException, _unreadable)
    app.register_error_handler(NoMoreData, _unreadable)
    app.register_error_handler(Exception, partial(_unexpected, log_limit))


def _prediction_error(log_limit: LogLimit, error: PredictionError) -> Response:
    if error.status >= 500:
        text = "; ".join([str(error), *getattr(error, "__notes__", ())])
        log_limit.log(_log, logging.WARNING, text, error.code, request_facts().model or "")
    if isinstance(error, UnknownModel):
        error = error.told_of(request_facts().may_use)
    detail = str(error)
    errors: dict[str, Any] = {}
    if isinstance(error, InvalidInstance):
        errors = _errors(error)
        if request.path.startswith(_PROTOCOLS):
            detail = described(error, request_facts().instances)
    reply = _problem(error.status, error.code, detail, **errors)
    if error.status in (429, 503):
        reply.headers["Retry-After"] = str(getattr(error, "retry_after_seconds", _RETRY_AFTER_SECONDS))
    if error.status == 401:
        reply.headers["WWW-Authenticate"] = _CHALLENGE
    return reply


def _errors(error: InvalidInstance) -> dict[str, Any]:
    instances = request_facts().instances
    pointer = instances.pointer if instances else None
    listed = [
        ({"pointer": pointer(fault.row, fault.path)} if pointer else {})
        | {"index": fault.row, "field": _field(fault), "detail": fault.problem}
        for fault in error.faults
    ]
    return {"errors": listed, "error_count": error.count}


def _field(fault: Fault) -> str:
    """Return the field that is wrong; empty for the instance itself."""
    return str(fault.path[0]) if fault.path else ""


def described(error: InvalidInstance, instances: Instances | None) -> str:
    """Describe all errors in one line, each with its place. Fields that no instance has are listed once."""
    missing = instances.missing if instances else ()
    pointer = instances.pointer if instances else None
    rest = [fault for fault in error.faults[1:] if _field(fault) not in missing]
    parts = [f"{pointer(fault.row, fault.path)}: {fault.problem}" if pointer else str(fault) for fault in rest]
    if missing:
        parts.append(f"/inputs: expected {', '.join(missing)} too")
    return "; ".join([str(error), *parts])


def _http_error(error: HTTPException) -> Response | HTTPException:
    status = error.code or 500
    if status < 400:
        return error  # a redirect
    code = _CODES.get(status, error.name.lower().replace(" ", "_"))
    reply = _problem(status, code, error.description or error.name)
    for name, value in error.get_headers():
        if name == "Allow":
            reply.headers[name] = value
    return reply


def _unreadable(error: Exception) -> Response:
    """Answer a body whose chunks are malformed or end too soon. gunicorn closes the connection then."""
    if isinstance(error, NoMoreData):
        return _problem(400, MalformedRequest.code, "the connection ended before the body did")
    return _problem(400, MalformedRequest.code, f"expected a body in well-formed chunks, got another: {error}")


def _unexpected(log_limit: LogLimit, error: Exception) -> Response:
    log_limit.log(_log, logging.ERROR, "unexpected error", type(error).__name__, exc_info=error)
    return _problem(500, "internal", "unexpected error; see the gateway's log")


def _problem(status: int, code: str, detail: str, **more: Any) -> Response:
    if f"{request.path}/".startswith(_PROTOCOLS):
        return json_reply({"error": detail}, 400 if status == 422 else status)
    problem: dict[str, Any] = {
        "type": f"urn:plumbline:problem:{code}",
        "title": code.replace("_", " ").capitalize(),
        "status": status,
        "detail": detail,
        "code": code,
        "request_id": request_id(),
    }
    if model := request_facts().model:
        problem["model"] = model
    return json_reply({**problem, **more}, status, "application/problem+json")
