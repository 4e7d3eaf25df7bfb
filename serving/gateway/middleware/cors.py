"""Lets pages of other origins call the API, as the Fetch standard's CORS protocol has it.

It is for all routes alike. Keys are sent in headers by a page's own script, so browsers are never told to send what
they keep themselves (Access-Control-Allow-Credentials).
"""

from flask import Flask, Response, request

from serving.gateway.middleware.request_ids import HEADER as REQUEST_ID
from serving.gateway.routing import TIMEOUT_HEADER

ANY = "*"

_SENT = (
    *("Authorization", "X-API-Key", "Content-Type", "Content-Encoding", REQUEST_ID, TIMEOUT_HEADER),
    *("traceparent", "tracestate", "Inference-Header-Content-Length"),
)
_READ = (REQUEST_ID, "Retry-After", "Server-Timing", "WWW-Authenticate", "Allow", "Inference-Header-Content-Length")
_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": ", ".join(_SENT),
    "Access-Control-Max-Age": "600",
}


def register_cors(app: Flask, origins: tuple[str, ...]) -> None:
    """Make *app* answer pages of *origins*, or of any with "*". Register it before what asks for keys.

    A browser's preflight request has no key. It is answered for any path, so that a page sees why its request fails.
    """
    if not origins:
        return

    @app.before_request
    def preflight() -> Response | None:
        is_preflight = request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers
        return Response(status=204, headers=_PREFLIGHT) if is_preflight and _allowed(origins) else None

    @app.after_request
    def add_headers(reply: Response) -> Response:
        if ANY not in origins:
            reply.vary.add("Origin")  # also where it is another or none: a cache must not give that reply to a page
        if allowed := _allowed(origins):
            reply.headers["Access-Control-Allow-Origin"] = allowed
            reply.headers["Access-Control-Expose-Headers"] = ", ".join(_READ)
        return reply


def _allowed(origins: tuple[str, ...]) -> str | None:
    """Return what to allow: "*", or the request's origin if it is one of *origins*."""
    if ANY in origins:
        return ANY
    origin = request.headers.get("Origin")
    return origin if origin in origins else None
