"""Security headers for every response."""

from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask

# Scripts, styles and requests from the gateway's own address only, nothing inline. A page that needs more sets its own.
_HEADERS = [
    ("Content-Security-Policy", "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
]


def register_headers(app: Flask) -> None:
    """Make *app* send the headers with every response that does not set them itself.

    It works below Flask, where headers are a list: in Flask, setting one costs as much as all three do here.
    """
    respond = app.wsgi_app

    def wsgi_app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            own = {name.lower() for name, _ in headers}
            more = [header for header in _HEADERS if header[0].lower() not in own]
            return start_response(status, headers + more, exc_info)

        return respond(environ, start)

    app.wsgi_app = wsgi_app  # type: ignore[method-assign]
