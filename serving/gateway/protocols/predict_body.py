"""The body of Plumbline's own predict request -> raw instances. What is in an instance is the contract's business."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import flask

from serving.errors import MalformedRequest, RequestTooLarge, UnsupportedMedia
from serving.gateway.protocols.body import kind, parse_json, read_body, read_files

_JSON_EXAMPLE = '{"instances": [{...}, ...]}'
_BINARY = "application/octet-stream"

Pointer = Callable[[int, str], str]
"""Number and field of an instance ("" for the instance itself) -> its place in the body, an RFC 6901 pointer."""


@dataclass(frozen=True)
class Instances:
    """The raw instances of a request; *pointer* is None if they are not JSON.

    *missing* are the fields that no instance has, where they came by field, and that each needs.
    """

    values: list[Any]
    pointer: Pointer | None
    missing: tuple[str, ...] = ()


def pointer(*names: str | int) -> str:
    """Join names and indices to a JSON pointer (RFC 6901, section 3); empty ones are left out."""
    escaped = (str(name).replace("~", "~0").replace("/", "~1") for name in names if name != "")
    return "".join(f"/{name}" for name in escaped)


def bounded(instances: Instances, most: int) -> Instances:
    """Give *instances*, 1 to *most*; raises MalformedRequest or RequestTooLarge."""
    count = len(instances.values)
    if not count:
        raise MalformedRequest("there are no instances in the request")
    if count > most:
        raise RequestTooLarge(f"at most {most} instances in a request, got {count}")
    return instances


def read_instances(request: flask.Request, takes_image: Callable[[], bool], most_depth: int) -> Instances:
    """Read the instances of a request.

    JSON, nested at most *most_depth* deep, gives one instance or many. If the model *takes_image*, so do a form's
    files, and an image as the body. Raises MalformedRequest, RequestTooLarge or UnsupportedMedia.
    """
    media = request.mimetype
    if media == "application/json":
        return _from_json(parse_json(read_body(request), most_depth))
    image = takes_image()
    if image and media == "multipart/form-data":
        return Instances([{"image": file.read()} for file in read_files(request)], None)
    if image and (media.startswith("image/") or media == _BINARY):
        return Instances([{"image": read_body(request)}], None)
    taken = f"application/json, multipart/form-data, image/* or {_BINARY}" if image else "application/json"
    raise UnsupportedMedia(f"expected Content-Type {taken}, got {media[:80]!r}")


def _from_json(document: Any) -> Instances:
    if not isinstance(document, dict):
        raise MalformedRequest(f"expected one instance as a JSON object, or {_JSON_EXAMPLE}, got {kind(document)}")
    if "instances" not in document:
        return Instances([document], lambda index, field: pointer(field))
    if len(document) > 1:
        other = next(name for name in document if name != "instances")
        raise MalformedRequest(f"expected nothing beside 'instances', got {other[:60]!r}")
    instances = document["instances"]
    if not isinstance(instances, list):
        raise MalformedRequest(f"expected {_JSON_EXAMPLE}, got {kind(instances)} as 'instances'")
    return Instances(instances, lambda index, field: pointer("instances", index, field))
