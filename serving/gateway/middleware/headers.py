"""Headers of every response: for security, with the request's id, and with the time of a prediction's stages."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from flask import Flask

from serving.gateway.middleware.request_ids import HEADER as REQUEST_ID
from serving.gateway.middleware.request_ids import request_id_in
from serving.gateway.request_facts import facts_in
from serving.prediction.predictor import FORMER_STAGES

# Scripts, styles and requests from the gateway's own address only, nothing inline. A page that needs more sets its own.
_SECURITY = [
    ("Content-Security-Policy", "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
]


def register_headers(app: Flask) -> None:
    """Make *app* send the headers, those for security where a response does not set them itself.

    It works below Flask, where headers are a list: in Flask, setting one costs as much as all do here.
    """
    respond = app.wsgi_app

    def wsgi_app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            own = {name.lower() for name, _ in headers}
            more = [header for header in _SECURITY if header[0].lower() not in own]
            more.append((REQUEST_ID, request_id_in(environ)))
            if stage_seconds := facts_in(environ).stage_seconds:
                more.append(("Server-Timing", _server_timing(stage_seconds)))
            return start_response(status, headers + more, exc_info)

        return respond(environ, start)

    app.wsgi_app = wsgi_app  # type: ignore[method-assign]


def _server_timing(stage_seconds: Mapping[str, float]) -> str:
    """Write each stage's time in milliseconds, in the form of W3C's Server Timing."""
    former = {FORMER_STAGES[stage]: seconds for stage, seconds in stage_seconds.items() if stage in FORMER_STAGES}
    return ", ".join(f"{stage};dur={seconds * 1000:.3f}" for stage, seconds in {**stage_seconds, **former}.items())
