"""Errors as RFC 9457 has them."""

from typing import Any


def problem(reply: Any) -> dict[str, Any]:
    """Return the problem that *reply* is, after checking its form."""
    assert reply.mimetype == "application/problem+json"
    told: dict[str, Any] = reply.get_json()
    assert told["status"] == reply.status_code
    assert told["type"] == f"urn:plumbline:problem:{told['code']}"
    assert told["title"]
    return told
