"""JSON replies, for every blueprint."""

from typing import Any

import orjson
from flask import Response


def json_reply(value: Any, status: int = 200, mimetype: str = "application/json") -> Response:
    """Return a reply with *value* as JSON."""
    return Response(orjson.dumps(value), status, mimetype=mimetype)
