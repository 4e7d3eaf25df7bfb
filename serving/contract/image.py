"""An encoded picture -> pixels of a fixed size. The model rescales them: uint8 takes a quarter of the bytes."""

import base64
import binascii
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np
from PIL import ExifTags, Image

from serving.contract.arrays import Features, TensorSpec
from serving.contract.instance_limits import InstanceLimits
from serving.contract.png import keyed, pixels_only
from serving.contract.reference import Measures
from serving.errors import Described, InvalidField

FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
_SIZE = "plumbline_size"  # in a decoded picture's `info`: width and height before it was decoded at less
_MEASURED_SIDE = 64
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""The transposition that turns an image upright, by its EXIF orientation."""
_QUARTER_TURNS = tuple(_TURNS[orientation] for orientation in (5, 6, 7, 8))
_DEEP_GREY = ("I", "I;16", "I;16B", "I;16L", "F")


@dataclass(frozen=True)
class ImageResizer:
    """Turns `{"image": "<base64>"}` into `image: uint8[batch, height, width, channels]`.

    Upright by its EXIF orientation, transparency over *background*, the whole picture squeezed to the size by
    an antialiased bilinear filter. *max_pixels* is the largest picture that is decoded at all, *max_bytes* the
    largest file.
    """

    height: int
    width: int
    mode: Literal["RGB", "L"] = "RGB"
    background: int = 255
    max_pixels: int = 50_000_000
    max_bytes: int = 100_000_000
    kind: ClassVar[str] = "image"
    fields: ClassVar[tuple[str, ...]] = ("image",)
    measures: ClassVar[tuple[str, ...]] = ("pixels", "brightness", "contrast")

    @property
    def inputs(self) -> dict[str, TensorSpec]:
        """The features' names, types and shapes."""
        return {"image": TensorSpec("uint8", (None, *self._shape))}

    @property
    def categories(self) -> dict[str, tuple[str, ...]]:
        """None are measured."""
        return {}

    @property
    def _shape(self) -> tuple[int, int, int]:
        return self.height, self.width, len(self.mode)

    @property
    def instance_schema(self) -> dict[str, Any]:
        """The JSON schema of one instance."""
        image = {
            "type": "string",
            "contentEncoding": "base64",
            "minLength": 4,
            "maxLength": _base64_length(self.max_bytes),
            "pattern": "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$",
            "description": f"{', '.join(FORMATS)}; at most {self.max_pixels:,} pixels and {self.max_bytes:,} bytes",
        }
        return {
            "type": "object",
            "properties": {"image": image},
            "required": ["image"],
            "additionalProperties": False,
        }

    def limited(self, limits: InstanceLimits) -> "ImageResizer":
        """Return the resizer that refuses larger pictures and files."""
        return replace(self, max_pixels=min(self.max_pixels, limits.image_pixels), max_bytes=limits.image_bytes)

    def decode(self, instance: Mapping[str, Any]) -> Image.Image:
        """Read the picture of one instance, base64 text or the file's bytes, in its size; raises InvalidField."""
        value = instance.get("image")
        return self._upright(value if isinstance(value, bytes) else self._from_base64(value))

    def transform(self, decoded: Sequence[Image.Image]) -> Features:
        """Make `image: uint8[len(decoded), height, width, channels]`."""
        pixels = np.empty((len(decoded), *self._shape), np.uint8)
        for row, image in zip(pixels, decoded, strict=True):
            row[:] = np.asarray(image).reshape(self._shape)
        return {"image": pixels}

    def measured(self, decoded: Sequence[Image.Image]) -> tuple[Features, Measures]:
        """Make the features, and measure width times height, and mean and deviation of the pixels from 0 to 1.

        A few thousand pixels of each are enough for that.
        """
        features = self.transform(decoded)
        step = max(1, min(self.height, self.width) // _MEASURED_SIDE)
        seen = features["image"][:, ::step, ::step].reshape(len(decoded), -1).astype(np.float32)
        sizes = [width * height for width, height in (image.info.get(_SIZE, image.size) for image in decoded)]
        values = np.column_stack([sizes, seen.mean(axis=1) / 255, seen.std(axis=1) / 255])
        return features, Measures(values.astype(np.float64), {})

    def to_state(self) -> dict[str, Any]:
        """Return the state as JSON values; *max_bytes* is a setting of the server."""
        return {
            "height": self.height,
            "width": self.width,
            "mode": self.mode,
            "background": self.background,
            "max_pixels": self.max_pixels,
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> "ImageResizer":
        """Read what `to_state` returned."""
        return cls(**state)

    def _from_base64(self, value: object) -> bytes:
        if not isinstance(value, str):
            raise InvalidField("image", "a base64 string", value)
        if len(value) > _base64_length(self.max_bytes):
            raise self._too_many_bytes(len(value) // 4 * 3)
        try:
            return base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError) as error:
            raise InvalidField("image", "base64", Described(f"text that is not ({error})")) from error

    def _upright(self, data: bytes) -> Image.Image:
        if len(data) > self.max_bytes:
            raise self._too_many_bytes(len(data))
        data = pixels_only(data)
        try:
            image: Image.Image = Image.open(io.BytesIO(data), formats=FORMATS)
        except (Image.DecompressionBombError, Image.DecompressionBombWarning):
            raise self._too_many_pixels("far more") from None
        except Exception as error:  # Pillow's parsers may raise anything
            raise _not_an_image(data) from error
        if image.width * image.height > self.max_pixels:
            raise self._too_many_pixels(f"{image.width}x{image.height}")
        try:
            size, turn = image.size, _turn(image)
            # A JPEG can be decoded at 1/2, 1/4 or 1/8 for less work; twice the size keeps the resize faithful.
            wanted = (2 * self.width, 2 * self.height)
            image.draft(self.mode, wanted[::-1] if turn in _QUARTER_TURNS else wanted)
            if image.format == "PNG":
                image = keyed(image, data)
            if turn is not None:
                image = image.transpose(turn)
            # Here, so that of many large pictures no more than one is held at a time.
            resized = self._flat(image).resize((self.width, self.height), Image.Resampling.BILINEAR)
            resized.info[_SIZE] = size
            return resized
        except Exception as error:
            raise _not_an_image(data) from error

    def _flat(self, image: Image.Image) -> Image.Image:
        if image.mode in _DEEP_GREY:
            image = _eight_bits(image)
        if image.has_transparency_data:
            image = image.convert("RGBA")
            backdrop = Image.new("RGBA", image.size, (self.background,) * 3 + (255,))
            image = Image.alpha_composite(backdrop, image)
        return image if image.mode == self.mode else image.convert(self.mode)  # which would copy even so

    def _too_many_bytes(self, got: int) -> InvalidField:
        return InvalidField("image", f"a file of at most {self.max_bytes:,} bytes", Described(f"{got:,}"))

    def _too_many_pixels(self, got: str) -> InvalidField:
        return InvalidField("image", f"at most {self.max_pixels:,} pixels", Described(got))


def _base64_length(count: int) -> int:
    return (count + 2) // 3 * 4


def _not_an_image(data: bytes) -> InvalidField:
    came = Described(f"{len(data)} bytes that start with {data[:8]!r}" if data else "nothing")
    return InvalidField("image", f"a whole picture in one of the formats {', '.join(FORMATS)}", came)


def upright(image: Image.Image) -> Image.Image:
    """Return the image turned as its EXIF orientation says; its other tags may be broken."""
    turn = _turn(image)
    return image if turn is None else image.transpose(turn)


def _turn(image: Image.Image) -> Image.Transpose | None:
    """Read the orientation alone: a broken tag that is not needed must not make an image unreadable."""
    try:
        return _TURNS.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # Pillow's parsers may raise anything
        image.load()  # raises if the image itself is broken
        return None


def _eight_bits(image: Image.Image) -> Image.Image:
    """Bring 16-bit grey down to 8 bits by value: Pillow's own conversion cuts everything above 255 to white."""
    values = np.asarray(image, np.float64)
    grey = Image.fromarray((np.clip(values, 0, 65535) / 257).round().astype(np.uint8))
    if (key := image.info.get("transparency")) is not None:
        grey.putalpha(Image.fromarray((values != key).astype(np.uint8) * 255))
    return grey
