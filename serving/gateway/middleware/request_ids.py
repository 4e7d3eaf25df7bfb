"""Each request's id: the caller's, or one that is made. It is in the reply, in problems, in the log and in traces."""

import re
import secrets

from flask import Flask, Response, g, request

HEADER = "X-Request-ID"
FACTS = "plumbline.facts"
"""Where in the WSGI environment stands what is known of a request: its `flask.g`, which is gone when it is logged."""

_TAKEN = re.compile(r"[A-Za-z0-9._~:/+=@-]{1,128}")


def request_id() -> str:
    """Give this request's id; what a caller sends is taken if it is harmless in a log, and of a bounded length."""
    known: str | None = g.get("request_id")
    if known is None:
        sent = request.headers.get(HEADER, "")
        known = g.request_id = sent if _TAKEN.fullmatch(sent) else secrets.token_hex(16)
    return known


def register_request_ids(app: Flask) -> None:
    """Make *app* send the id with every response, and leave what the access log needs."""

    @app.after_request
    def tell(reply: Response) -> Response:
        reply.headers[HEADER] = request_id()
        request.environ[FACTS] = g._get_current_object()
        return reply
