"""Reads raw instances from the body of Plumbline's own predict request. The contract checks what is in them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import flask

from serving.errors import MalformedRequest, RequestTooLarge, UnsupportedMedia
from serving.gateway.protocols.body import kind, parse_json, read_body, read_files

_JSON_EXAMPLE = '{"instances": [{...}, ...]}'
_BINARY = "application/octet-stream"

Path = tuple[str | int, ...]
"""A place within an instance: a field, and what follows in its value; empty for the instance itself."""

Pointer = Callable[[int, Path], str]
"""Takes an instance's number and a path in it. Returns the place in the body (RFC 6901)."""


@dataclass(frozen=True)
class Instances:
    """The raw instances of a request. *pointer* is None if they are not JSON.

    *missing* has required fields that no instance has, if the request lists values by field.
    """

    values: list[Any]
    pointer: Pointer | None
    missing: tuple[str, ...] = ()


def pointer(*names: str | int) -> str:
    """Join names and indices to a JSON pointer (RFC 6901, section 3). Empty names are left out."""
    escaped = (str(name).replace("~", "~0").replace("/", "~1") for name in names if name != "")
    return "".join(f"/{name}" for name in escaped)


def bounded(instances: Instances, max_instances: int) -> Instances:
    """Return *instances* if there are 1 to *max_instances*. Raise MalformedRequest or RequestTooLarge."""
    count = len(instances.values)
    if not count:
        raise MalformedRequest("expected at least one instance, got none")
    if count > max_instances:
        raise RequestTooLarge(f"expected at most {max_instances} instances (MAX_INSTANCES), got {count}")
    return instances


def read_instances(request: flask.Request, file_field: Callable[[], str | None], max_depth: int) -> Instances:
    """Read the instances of a request.

    JSON, nested at most *max_depth* deep, has one instance or many. If the model takes nothing but the file of a
    *file_field*, the body may also be that file, or a form with files.

    Raise MalformedRequest, RequestTooLarge or UnsupportedMedia.
    """
    media = request.mimetype
    if media == "application/json":
        return _from_json(parse_json(read_body(request), max_depth))
    field = file_field()
    if field and media == "multipart/form-data":
        return Instances([{field: file.read()} for file in read_files(request)], None)
    if field and (media.startswith("image/") or media == _BINARY):
        return Instances([{field: read_body(request)}], None)
    accepted = f"application/json, multipart/form-data, image/* or {_BINARY}" if field else "application/json"
    raise UnsupportedMedia(f"expected Content-Type {accepted}, got {media[:80]!r}")


def _from_json(document: Any) -> Instances:
    if not isinstance(document, dict):
        raise MalformedRequest(f"expected one instance as a JSON object, or {_JSON_EXAMPLE}, got {kind(document)}")
    if "instances" not in document:
        return Instances([document], lambda index, path: pointer(*path))
    if len(document) > 1:
        other = next(name for name in document if name != "instances")
        raise MalformedRequest(f"expected only 'instances', got also {other[:60]!r}")
    instances = document["instances"]
    if not isinstance(instances, list):
        raise MalformedRequest(f"expected {_JSON_EXAMPLE}, got {kind(instances)} as 'instances'")
    return Instances(instances, lambda index, path: pointer("instances", index, *path))
