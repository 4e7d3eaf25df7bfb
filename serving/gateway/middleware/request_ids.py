"""Each request's id: the caller's, or a generated one. It is in the reply, in problems, in the log and in traces."""

import re
import secrets
from typing import Any

from flask import request

from serving.gateway.request_facts import facts_in

HEADER = "X-Request-ID"

_ACCEPTED = re.compile(r"[A-Za-z0-9._~:/+=@-]{1,128}")


def request_id() -> str:
    """Return the current request's id."""
    return request_id_in(request.environ)


def request_id_in(environ: dict[str, Any]) -> str:
    """Return a request's id: the caller's if it can be used, or a new one."""
    facts = facts_in(environ)
    if facts.request_id is None:
        facts.request_id = usable(environ.get("HTTP_X_REQUEST_ID", "")) or secrets.token_hex(16)
    return facts.request_id


def usable(sent: str) -> str | None:
    """Return a caller's id if it is of limited length and harmless in a log."""
    return sent if _ACCEPTED.fullmatch(sent) else None
