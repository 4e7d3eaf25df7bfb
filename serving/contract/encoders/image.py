"""Pictures: a column of files -> pixels of a fixed size. The model rescales them: a quarter of the bytes travel."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, ClassVar, Literal

import numpy as np
from PIL import Image

from serving.contract import deadline, states
from serving.contract.arrays import Array, TensorSpec
from serving.contract.deadline import DeadlinePassed
from serving.contract.decoding_budget import DecodingBudget
from serving.contract.encoders.developing import FILTERS, Developing
from serving.contract.encoders.encoder import Control, Datatype
from serving.contract.encoders.framing import FRAMINGS, Size
from serving.contract.encoders.picture_file import PictureLimits, Refused, base64_length, no_picture
from serving.contract.encoders.pixels import FORMATS
from serving.contract.faults import Faults, shown
from serving.contract.instance_limits import InstanceLimits
from serving.contract.large_pictures import DecoderEnded
from serving.contract.reference import Measures
from serving.errors import TooManyPictures

Colour = Literal["RGB", "L"]
Framing = Literal["squeeze", "crop", "pad"]
Filter = Literal["bilinear", "bicubic", "lanczos", "nearest", "drafted"]
_MEASURED_SIDE = 64
_MOST_SIDE = 10_000
_MOST_PIXELS = 1 << 40
_LARGE_PIXELS = 4_000_000
"""What is larger takes as long to decode as a hundred small requests take in all."""

Framed = tuple[Image.Image, Size]
"""A picture of the encoder's size, and the size that it had, upright."""


@dataclass(frozen=True)
class Picture:
    """Turns files, or base64 text of them, into `uint8[batch, height, width, channels]`.

    Pictures are brought upright by their EXIF orientation; transparency is laid over *background*. The whole picture is
    squeezed to the size; or cropped, in the middle, to its proportions; or padded with *background* to them. *filter*
    is antialiased, but for "nearest"; "drafted" is bilinear, and decodes a JPEG no larger than it must be: that takes
    half the time for many sizes, and is about one grey level off. *max_pixels* is the largest picture that is decoded
    at all, *max_bytes* the largest file; pictures are decoded within *budget*, if it is given.
    """

    height: int
    width: int
    colour: Colour = "RGB"
    framing: Framing = "squeeze"
    filter: Filter = "bilinear"
    background: int = 255
    max_pixels: int = 50_000_000
    max_bytes: int = 100_000_000
    budget: DecodingBudget | None = field(default=None, compare=False, repr=False)
    kind: ClassVar[str] = "image"
    value_shape: ClassVar[tuple[int, ...]] = ()
    optional: ClassVar[bool] = False
    datatype: ClassVar[Datatype] = "BYTES"
    control: ClassVar[Control] = "picture"

    def __post_init__(self) -> None:
        """Raise ValueError or TypeError for settings that there are not."""
        settings = vars(self)
        for name, most in (("height", _MOST_SIDE), ("width", _MOST_SIDE), ("max_pixels", _MOST_PIXELS)):
            states.whole(settings, name, 1, most)
        states.whole(settings, "background", 0, 255)
        for name, known in (("colour", ("RGB", "L")), ("framing", FRAMINGS), ("filter", FILTERS)):
            if not isinstance(settings[name], str) or settings[name] not in known:
                raise states.Misfit(
                    name,
                    f"expected {' or '.join(known)}, got {shown(settings[name])}: update this installation, or train "
                    "the model again with it",
                )

    @classmethod
    def fit(
        cls,
        pictures: Iterable[Any],
        *,
        height: int,
        width: int,
        colour: Colour = "RGB",
        framing: Framing = "squeeze",
        filter: Filter = "bilinear",
        background: int = 255,
    ) -> "Picture":
        """Return the encoder for *pictures*, of which nothing is learned; raises ValueError for one that is missing."""
        missing = [row for row, picture in enumerate(pictures) if not isinstance(picture, bytes | str)]
        if missing:
            raise ValueError(f"row {missing[0]}: expected a picture, got nothing: {len(missing):,} are missing")
        return cls(height, width, colour, framing, filter, background)

    @property
    def block(self) -> TensorSpec:
        """The pixels."""
        return TensorSpec("uint8", (None, *self._shape))

    @property
    def _shape(self) -> tuple[int, int, int]:
        return self.height, self.width, len(self.colour)

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON schema of one picture."""
        return {
            "type": "string",
            "contentEncoding": "base64",
            "minLength": 4,
            "maxLength": base64_length(self.max_bytes),
            "pattern": "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$",
            "description": f"{', '.join(FORMATS)}; at most {self.max_pixels:,} pixels and {self.max_bytes:,} bytes",
        }

    def limited(self, limits: InstanceLimits) -> "Picture":
        """Return the encoder that refuses larger pictures and files."""
        pixels = min(self.max_pixels, limits.image_pixels)
        return replace(self, max_pixels=pixels, max_bytes=limits.image_bytes, budget=limits.decoding)

    def read(self, values: Sequence[Any], faults: Faults) -> list[Framed]:
        """Read a column of files' bytes or base64 texts: pictures of the encoder's size.

        They are resized at once: of many large pictures no more than one is held at a time. Raises DeadlinePassed
        or TooManyPictures, which is nobody's fault.
        """
        return [self._read(row, value, faults) for row, value in enumerate(values)]

    def _read(self, row: int, value: Any, faults: Faults) -> Framed:
        try:
            image, data = self._limits.opened(value)
            try:
                return self._developed(image, data)
            except (DeadlinePassed, TooManyPictures, Refused):
                raise
            except Exception as error:  # Pillow's parsers raise whatever they stumble over
                raise no_picture(data) from error
        except Refused as refused:
            faults.add(row, refused.expected, refused.got)
            return Image.new(self.colour, (self.width, self.height)), (0, 0)

    def _developed(self, image: Image.Image, data: bytes) -> Framed:
        """Develop the picture; a large one that a request brings, in a process that other requests don't wait for."""
        is_large = image.width * image.height > _LARGE_PIXELS
        if self.budget is None or math.isinf(deadline.remaining()) or not is_large:
            return self._developing.develop(image, data)
        try:
            with self.budget.apart(self._developing.needed(image)) as large:
                framed = large.developed(self.to_state(), data, (self.width, self.height))
        except DecoderEnded as error:
            raise Refused("a picture that can be decoded", "one at which the process that decodes it ended") from error
        if framed is None:
            raise no_picture(data)
        return framed

    @cached_property
    def _limits(self) -> PictureLimits:
        return PictureLimits(self.max_pixels, self.max_bytes)

    @cached_property
    def _developing(self) -> Developing:
        size, framing, filter = (self.width, self.height), FRAMINGS[self.framing], FILTERS[self.filter]
        return Developing(size, self.colour, framing, filter, self.background, self.budget)

    def encode(self, column: Sequence[Framed]) -> Array:
        """Make `uint8[len(column), height, width, channels]`."""
        block = np.empty((len(column), math.prod(self._shape)), np.uint8)
        for row, (image, _) in zip(block, column, strict=True):
            row[:] = np.frombuffer(image.tobytes(), np.uint8)
        return block.reshape(len(column), *self._shape)

    def measures(self, field: str) -> tuple[str, ...]:
        """Return three names, which begin with the field's unless it is `image`."""
        names = ("pixels", "brightness", "contrast")
        return names if field == "image" else tuple(f"{field}_{name}" for name in names)

    def categories(self, field: str) -> Mapping[str, Sequence[str]]:
        """Return nothing."""
        return {}

    def measured(self, field: str, column: Sequence[Framed], block: Array) -> Measures:
        """Measure width times height, and mean and deviation of the pixels from 0 to 1.

        A few thousand pixels of each are enough for that.
        """
        step = max(1, min(self.height, self.width) // _MEASURED_SIDE)
        seen = block[:, ::step, ::step]
        seen = seen.reshape(len(block), math.prod(seen.shape[1:])).astype(np.float32)
        sizes = [width * height for _, (width, height) in column]
        values = np.column_stack([sizes, seen.mean(axis=1) / 255, seen.std(axis=1) / 255])
        return Measures(values.astype(np.float64), {})

    def to_state(self) -> dict[str, Any]:
        """Return the state as JSON values; *max_bytes* is for whoever serves to say."""
        return {name: value for name, value in vars(self).items() if name in _STATE}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> "Picture":
        """Read what `to_state` returned; raises ValueError, KeyError or TypeError if it is another."""
        return cls(**{name: states.given(state, name) for name in _STATE})


_STATE = ("height", "width", "colour", "framing", "filter", "background", "max_pixels")
