"""Each request's id: the caller's, or a generated one. It is in the reply, in problems, in the log and in traces."""

import re
import secrets

from flask import Flask, Response, request

from serving.gateway.request_facts import request_facts

HEADER = "X-Request-ID"

_ACCEPTED = re.compile(r"[A-Za-z0-9._~:/+=@-]{1,128}")


def request_id() -> str:
    """Return this request's id. A caller's id is accepted if it is of limited length and harmless in a log."""
    facts = request_facts()
    if facts.request_id is None:
        sent = request.headers.get(HEADER, "")
        facts.request_id = sent if _ACCEPTED.fullmatch(sent) else secrets.token_hex(16)
    return facts.request_id


def register_request_ids(app: Flask) -> None:
    """Make *app* send the id with every response."""

    @app.after_request
    def add_header(reply: Response) -> Response:
        reply.headers[HEADER] = request_id()
        return reply
