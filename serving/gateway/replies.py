"""JSON replies, for every blueprint."""

from collections.abc import Iterable
from typing import Any

import orjson
from flask import Response


class _JsonReply(Response):
    """The answer to a POST is sent as it is: to look through its headers as Werkzeug does is a twentieth of a text."""

    def get_wsgi_response(self, environ: dict[str, Any]) -> tuple[Iterable[bytes], str, list[tuple[str, str]]]:
        if environ["REQUEST_METHOD"] != "POST" or self._on_close:
            return super().get_wsgi_response(environ)
        body: list[bytes] = self.response  # type: ignore[assignment]  # it is made of bytes, below
        return body, self.status, self.headers.to_wsgi_list()


def json_reply(value: Any, status: int = 200, mimetype: str = "application/json") -> Response:
    """Return a reply with *value* as JSON."""
    return _JsonReply(orjson.dumps(value), status, mimetype=mimetype)
