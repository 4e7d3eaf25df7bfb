"""Compresses replies to GET requests for clients that accept it: metrics, schemas and the page's files."""

import gzip

from flask import Flask, Response, request

_MIN_BYTES = 1024
_LEVEL = 5
_CODING = "gzip"
_MEDIA = ("text/", "application/json", "application/javascript", "application/openmetrics-text", "image/svg+xml")


def register_compression(app: Flask) -> None:
    """Make *app* compress large enough replies if Accept-Encoding allows it (RFC 9110, section 12.5.3)."""
    app.after_request(_compress)


def _compress(reply: Response) -> Response:
    if request.method not in ("GET", "HEAD") or reply.status_code not in (200, 304):
        return reply
    if not ((reply.mimetype or "").startswith(_MEDIA) or reply.status_code == 304) or reply.content_encoding:
        return reply
    reply.vary.add("Accept-Encoding")
    if not _accepts_gzip():
        return reply
    if reply.status_code == 200:
        if (reply.content_length or 0) < _MIN_BYTES:
            return reply
        reply.direct_passthrough = False  # a file, which is read here
        reply.set_data(gzip.compress(reply.get_data(), _LEVEL, mtime=0))
        reply.content_encoding = _CODING
    tag, _ = reply.get_etag()
    if tag:
        reply.set_etag(tag, weak=True)  # same content, other bytes
    return reply


def _accepts_gzip() -> bool:
    """Return whether gzip is accepted, and an uncompressed reply is not explicitly preferred."""
    accepted = {name.lower(): quality for name, quality in request.accept_encodings}
    quality = next((accepted[name] for name in (_CODING, f"x-{_CODING}", "*") if name in accepted), 0.0)
    return quality > 0 and quality >= accepted.get("identity", 0.0)
