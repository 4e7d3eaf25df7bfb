"""Requests that are refused before the application sees them, and what is answered."""

import random
from http import HTTPStatus

import orjson
from gunicorn.http import errors

_PROTOCOLS = ("/v1/", "/v2/")
_RETRY_AFTER = (429, 503)
_CODES: tuple[tuple[type[Exception], int, str], ...] = (
    (errors.LimitRequestLine, 414, "uri_too_long"),
    (errors.LimitRequestHeaders, 431, "headers_too_large"),
    (errors.ExpectationFailed, 417, "expectation_failed"),
    (errors.UnsupportedTransferCoding, 501, "not_implemented"),
)
TOO_LARGE = "too_large"


class Refused(Exception):
    """A request that is answered with *status*, *code* and *detail*, and not by the application."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.request_id = f"{random.getrandbits(128):032x}"  # no secret, and made without a call to the system

    @staticmethod
    def of(error: Exception) -> "Refused":
        """Return what to answer if gunicorn's parser raised *error*. What came is not repeated: it may hold a key."""
        for name, value in list(vars(error).items()):
            if isinstance(value, str | bytes):  # a line of the request, which gunicorn quotes
                setattr(error, name, "...")
        status, code = next(
            ((status, code) for kind, status, code in _CODES if isinstance(error, kind)), (400, "malformed_request")
        )
        return Refused(status, code, f"expected a well-formed HTTP request, got another: {error or 'it is cut'}")

    def reply(self, path: str = "", keeps: bool = False) -> bytes:
        """Return the whole reply to a request for *path*, in the form that its protocol has.

        It says whether the connection *keeps* open.
        """
        is_protocol = f"{path}/".startswith(_PROTOCOLS)
        body = orjson.dumps({"error": self.detail} if is_protocol else self._problem())
        media = "application/json" if is_protocol else "application/problem+json"
        lines = [
            f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}",
            f"Content-Type: {media}",
            f"Content-Length: {len(body)}",
            f"X-Request-ID: {self.request_id}",
            "X-Content-Type-Options: nosniff",
            *(["Retry-After: 1"] if self.status in _RETRY_AFTER else []),
            f"Connection: {'keep-alive' if keeps else 'close'}",
        ]
        return "\r\n".join([*lines, "\r\n"]).encode("latin-1") + body

    def _problem(self) -> dict[str, object]:
        return {
            "type": f"urn:plumbline:problem:{self.code}",
            "title": self.code.replace("_", " ").capitalize(),
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            "request_id": self.request_id,
        }
