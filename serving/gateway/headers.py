"""Security headers, on every response."""

from flask import Flask, Response

# Scripts, styles and requests from the gateway's own address only; nothing inline. A page that needs more sets its own.
_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def register_headers(app: Flask) -> None:
    """Make *app* send the headers with every response that does not set them itself."""

    @app.after_request
    def add(reply: Response) -> Response:
        for name, value in _HEADERS.items():
            reply.headers.setdefault(name, value)
        return reply
