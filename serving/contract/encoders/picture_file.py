"""A picture's file, or its base64 text -> the picture as Pillow has it, not decoded yet, within limits."""

import base64
import binascii
import io
from typing import Any, NamedTuple

from PIL import Image

from serving.contract.encoders.pixels import FORMATS
from serving.contract.encoders.png import pixels_only
from serving.contract.faults import shown


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
            image: Image.Image = Image.open(io.BytesIO(data), formats=FORMATS)
        except (Image.DecompressionBombError, Image.DecompressionBombWarning):
            raise self._too_many_pixels("far more") from None
        except Exception as error:  # Pillow's parsers raise whatever they stumble over
            raise no_picture(data) from error
        if image.width * image.height > self.most_pixels:
            raise self._too_many_pixels(f"{image.width}x{image.height}")
        return image, data

    def _from_base64(self, value: object) -> bytes:
        if not isinstance(value, str):
            raise Refused("a base64 string", shown(value))
        if len(value) > base64_length(self.most_bytes):
            raise self._too_many_bytes(len(value) // 4 * 3)
        try:
            return base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError) as error:
            raise Refused("base64", f"text that is not ({error})") from error

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
