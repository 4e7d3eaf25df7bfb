"""Captures as rows, for whatever reads JSON lines: scoring, drift, training."""

from collections.abc import Mapping
from typing import Any

_ALWAYS = frozenset({"capture", "request_id", "model", "instance"})
_FACTS = ("request_id", "index", "time", "version", "share")


def as_row(document: dict[str, Any]) -> dict[str, Any] | None:
    """Return what a line of JSON stands for: of a capture its instance, the answer beside it, and facts of the request.

    None stands for a request that failed. What is no capture is a row as it is.
    """
    if not document.keys() >= _ALWAYS:
        return document
    if "error" in document:
        return None
    facts = {name: document[name] for name in _FACTS if name in document}
    return {**facts, **_members(document.get("answer")), **_members(document["instance"])}


def _members(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
