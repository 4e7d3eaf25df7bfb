"""Compressed answers to GET requests, for those who ask: metrics, schemas and the page's files, not predictions."""

import gzip

from flask import Flask, Response, request

_LEAST_BYTES = 1024
_LEVEL = 5
_CODING = "gzip"
_MEDIA = ("text/", "application/json", "application/javascript", "application/openmetrics-text", "image/svg+xml")


def register_compression(app: Flask) -> None:
    """Make *app* compress what is worth it and asked for by Accept-Encoding (RFC 9110, section 12.5.3)."""
    app.after_request(_compress)


def _compress(reply: Response) -> Response:
    if request.method not in ("GET", "HEAD") or reply.status_code not in (200, 304):
        return reply
    if not ((reply.mimetype or "").startswith(_MEDIA) or reply.status_code == 304) or reply.content_encoding:
        return reply
    reply.vary.add("Accept-Encoding")
    if not _is_asked():
        return reply
    if reply.status_code == 200:
        if (reply.content_length or 0) < _LEAST_BYTES:
            return reply
        reply.direct_passthrough = False  # a file, which is read here
        reply.set_data(gzip.compress(reply.get_data(), _LEVEL, mtime=0))
        reply.content_encoding = _CODING
    tag, _ = reply.get_etag()
    if tag:
        reply.set_etag(tag, weak=True)  # of the same content, but other bytes
    return reply


def _is_asked() -> bool:
    """Return whether gzip is taken, and what is not compressed isn't preferred by name."""
    taken = {name.lower(): quality for name, quality in request.accept_encodings}
    quality = next((taken[name] for name in (_CODING, f"x-{_CODING}", "*") if name in taken), 0.0)
    return quality > 0 and quality >= taken.get("identity", 0.0)
