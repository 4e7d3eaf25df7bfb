"""A raw instance as the report shows it: long texts shortened, numbers as rows of a table, images small."""

import base64
import io
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from PIL import Image

from serving.contract.encoders.pixels import upright
from serving.contract.encoders.png import pixels_only

EXCERPT = 600
"""Maximum number of characters of a text that are shown."""

LONG = 60
"""Texts of more characters than this are shown as text, shorter ones in the table of fields."""

SIDE = 320
"""Maximum length of an image's longer side, in pixels."""

SMALL = 96
"""Images with no longer side than this are stored losslessly, and shown enlarged."""


@dataclass(frozen=True)
class Thumbnail:
    """A small image as a data URI."""

    name: str
    uri: str
    enlarged: bool


@dataclass(frozen=True)
class Exhibit:
    """The fields of an instance, by how they are shown."""

    texts: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)
    images: tuple[Thumbnail, ...] = ()


def exhibit(instance: Mapping[str, Any]) -> Exhibit:
    """Return the fields of a raw instance, sorted by how they are shown."""
    texts, fields, images = {}, {}, []
    for name, value in instance.items():
        if isinstance(value, bytes):
            try:
                images.append(_thumbnail(name, value))
            except Exception:  # Pillow's parsers may raise anything, and a report must not fail because of it
                fields[name] = f"{len(value):,} bytes that are not a readable image"
        elif isinstance(value, str) and len(value) > LONG:
            texts[name] = excerpt(value)
        else:
            fields[name] = _field(value)
    return Exhibit(texts, fields, tuple(images))


def excerpt(text: str) -> str:
    """Return a long text cut after a word, with its length appended."""
    if len(text) <= EXCERPT:
        return text
    return f"{text[:EXCERPT].rsplit(maxsplit=1)[0]} … ({len(text):,} characters)"


def data_uri(data: bytes, kind: str = "image/png") -> str:
    """Return the bytes as a data URI, which needs no other file."""
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"


def _thumbnail(name: str, data: bytes) -> Thumbnail:
    # Re-encoded whatever the format: browsers read fewer formats than Pillow, and only pixels must get through.
    image = upright(Image.open(io.BytesIO(pixels_only(data))))
    small, buffer = max(image.size) <= SMALL, io.BytesIO()
    if small:
        image.convert("RGBA" if image.has_transparency_data else "RGB").save(buffer, "PNG")
        return Thumbnail(name, data_uri(buffer.getvalue()), enlarged=True)
    image = image.convert("RGB")
    image.thumbnail((SIDE, SIDE))
    image.save(buffer, "JPEG", quality=85)
    return Thumbnail(name, data_uri(buffer.getvalue(), "image/jpeg"), enlarged=False)


def _field(value: Any) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "missing"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
