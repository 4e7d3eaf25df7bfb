"""JSON out, for every blueprint."""

from typing import Any

import orjson
from flask import Response


def json_reply(value: Any, status: int = 200, mimetype: str = "application/json") -> Response:
    """Give *value* as JSON."""
    return Response(orjson.dumps(value), status, mimetype=mimetype)
