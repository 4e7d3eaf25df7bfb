"""A picture's file, or its base64 text -> the picture as Pillow has it, not decoded yet, within limits."""

import base64
import binascii
import io
from typing import Any, NamedTuple

from PIL import Image, ImageFile

from serving.contract import deadline
from serving.contract.deadline import DeadlinePassed
from serving.contract.encoders.pixels import FORMATS
from serving.contract.encoders.png import pixels_only
from serving.contract.faults import shown

_PEEKED = 1 << 16
"""Characters of a longer text in which the header is looked for."""
_LEAST_PIECE, _PIECE = 1 << 10, 1 << 16
"""Bytes that are decoded at a time, which nothing interrupts."""
_PIECE_PIXELS = 1 << 21
"""Pixels in such a piece, on average: tens of milliseconds."""


class _TimedFile(io.BytesIO):
    """A file that is read until the deadline."""

    def read(self, size: int | None = -1) -> bytes:
        deadline.check()
        return super().read(size)


class Refused(Exception):
    """What came is no picture that may be read: what was expected, and what came."""

    def __init__(self, expected: str, got: str) -> None:
        super().__init__(f"expected {expected}, got {got}")
        self.expected = expected
        self.got = got


class PictureLimits(NamedTuple):
    """The largest picture that is decoded at all, and the largest file."""

    most_pixels: int
    most_bytes: int

    def opened(self, value: Any) -> tuple[Image.Image, bytes]:
        """Open a file's bytes or base64 text; raises Refused. Returns the picture and what of the file it is read from.

        Of what Pillow knows of the file, its size alone is sure to be there.
        """
        data = value if isinstance(value, bytes) else self._from_base64(value)
        if len(data) > self.most_bytes:
            raise self._too_many_bytes(len(data))
        data = pixels_only(data)
        try:
            image = self._open(data)
        except (Refused, DeadlinePassed):
            raise
        except Exception as error:  # Pillow's parsers raise whatever they stumble over
            raise no_picture(data) from error
        piece = len(data) * _PIECE_PIXELS // (image.width * image.height)
        image.decodermaxblock = max(_LEAST_PIECE, min(_PIECE, piece))
        return image, data

    def _open(self, data: bytes) -> ImageFile.ImageFile:
        try:
            image = Image.open(_TimedFile(data), formats=FORMATS)
        except (Image.DecompressionBombError, Image.DecompressionBombWarning):
            raise self._too_many_pixels("far more") from None
        if image.width * image.height > self.most_pixels:
            raise self._too_many_pixels(f"{image.width}x{image.height}")
        return image

    def _from_base64(self, value: object) -> bytes:
        if not isinstance(value, str):
            raise Refused("a base64 string", shown(value))
        if value.startswith("data:"):
            raise Refused("base64 alone, without the beginning of a data URL up to the comma", shown(value[:40]))
        if len(value) > base64_length(self.most_bytes):
            raise self._too_many_bytes(len(value) // 4 * 3)
        if len(value) > _PEEKED:
            self._peek(value[:_PEEKED])
        try:
            return base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError) as error:
            raise Refused("base64", f"text that is not ({error})") from error

    def _peek(self, beginning: str) -> None:
        """Raise Refused for too many pixels, if the *beginning* of a text tells; all else is told by the whole."""
        try:
            self._open(base64.b64decode(beginning, validate=True))
        except Refused:
            raise
        except Exception:  # noqa: S110 - Pillow's parsers raise whatever they stumble over
            pass

    def _too_many_bytes(self, got: int) -> Refused:
        return Refused(f"a file of at most {self.most_bytes:,} bytes", f"{got:,}")

    def _too_many_pixels(self, got: str) -> Refused:
        return Refused(f"at most {self.most_pixels:,} pixels", got)


def base64_length(count: int) -> int:
    """Return how many characters of base64 text *count* bytes are."""
    return (count + 2) // 3 * 4


def no_picture(data: bytes) -> Refused:
    """Return what refuses a file that can't be decoded."""
    came = f"{len(data)} bytes that start with {data[:8]!r}" if data else "nothing"
    return Refused(f"a whole picture in one of the formats {', '.join(FORMATS)}", came)
