"""A raw instance as a reader of the report sees it: long text cut, numbers as rows of a table, pictures small."""

import base64
import io
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from PIL import Image

from serving.contract.image import upright
from serving.contract.png import pixels_only

EXCERPT = 600
"""Characters of a text that are shown."""

LONG = 60
"""A text of more characters than this is set as a text, a shorter one stands in the table of fields."""

SIDE = 320
"""Pixels of a picture's longer side, at most."""

SMALL = 96
"""A picture with no longer side than this is kept without loss, and shown enlarged."""


@dataclass(frozen=True)
class Picture:
    """A picture as a data URI."""

    name: str
    uri: str
    enlarged: bool


@dataclass(frozen=True)
class Exhibit:
    """The fields of an instance by what they are."""

    texts: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)
    pictures: tuple[Picture, ...] = ()


def exhibit(instance: Mapping[str, Any]) -> Exhibit:
    """Sort the fields of a raw instance."""
    texts, fields, pictures = {}, {}, []
    for name, value in instance.items():
        if isinstance(value, bytes):
            try:
                pictures.append(_picture(name, value))
            except Exception:  # Pillow's parsers raise whatever they stumble over; a report must not fail for it
                fields[name] = f"{len(value):,} bytes that are no readable picture"
        elif isinstance(value, str) and len(value) > LONG:
            texts[name] = excerpt(value)
        else:
            fields[name] = _field(value)
    return Exhibit(texts, fields, tuple(pictures))


def excerpt(text: str) -> str:
    """Cut a long text after a word, and say how long it is."""
    if len(text) <= EXCERPT:
        return text
    return f"{text[:EXCERPT].rsplit(maxsplit=1)[0]} … ({len(text):,} characters)"


def data_uri(data: bytes, kind: str = "image/png") -> str:
    """Give the bytes as an address that needs no other file."""
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"


def _picture(name: str, data: bytes) -> Picture:
    # Drawn anew whatever its format: browsers don't read all that Pillow reads, and nothing but pixels gets through.
    image = upright(Image.open(io.BytesIO(pixels_only(data))))
    small, buffer = max(image.size) <= SMALL, io.BytesIO()
    if small:
        image.convert("RGBA" if image.has_transparency_data else "RGB").save(buffer, "PNG")
        return Picture(name, data_uri(buffer.getvalue()), enlarged=True)
    image = image.convert("RGB")
    image.thumbnail((SIDE, SIDE))
    image.save(buffer, "JPEG", quality=85)
    return Picture(name, data_uri(buffer.getvalue(), "image/jpeg"), enlarged=False)


def _field(value: Any) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "missing"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
