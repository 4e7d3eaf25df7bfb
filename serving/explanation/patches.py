"""A picture's patches, which are left out by painting them over with the picture's mean colour."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from PIL import Image

from serving.contract.arrays import Array
from serving.contract.encoders import Picture
from serving.contract.encoders.framing import FRAMINGS, Frame, Size
from serving.contract.faults import Faults


@dataclass(frozen=True, eq=False)  # arrays have no single truth of equality
class Patches:
    """A picture as the model sees it: *pixels* of its size, in which the *frame* says where the picture's own are.

    It is parted there, by *side* times *side* patches or as many as there are pixels: a photo of millions would take
    seconds to be written and read again. *picture* is its size as it came, upright, in whose pixels places are told.
    """

    field: str
    pixels: Array
    picture: Size
    frame: Frame
    side: int

    @cached_property
    def _edges(self) -> tuple[list[int], list[int]]:
        """The edges of columns and rows, within the framed part."""
        left, top, right, bottom = self.frame.box
        width, height = self.frame.size
        return _edges(width, min(self.side, right - left)), _edges(height, min(self.side, bottom - top))

    @cached_property
    def _boxes(self) -> list[tuple[int, int, int, int]]:
        across, down = self._edges
        return [(left, top, right, bottom) for top, bottom in pairwise(down) for left, right in pairwise(across)]

    @cached_property
    def places(self) -> Sequence[Mapping[str, Any]]:
        """The box of each patch: left, top, right and bottom, in pixels of the picture as it came, upright."""
        left, top, right, bottom = self.frame.box
        width, height = self.frame.size
        return [
            {
                "box": [
                    left + round((right - left) * box[0] / width),
                    top + round((bottom - top) * box[1] / height),
                    left + round((right - left) * box[2] / width),
                    top + round((bottom - top) * box[3] / height),
                ]
            }
            for box in self._boxes
        ]

    @cached_property
    def _mean(self) -> Array:
        (left, top), (width, height) = self.frame.place, self.frame.size
        mean: Array = self.pixels[top : top + height, left : left + width].mean(axis=(0, 1)).round().astype(np.uint8)
        return mean

    def value(self, kept: Sequence[bool]) -> bytes:
        """Return a PNG of the picture with the patches that are *kept*; the encoder takes it as it is."""
        pixels = self.pixels.copy()
        across, down = self.frame.place
        for (left, top, right, bottom), is_kept in zip(self._boxes, kept, strict=True):
            if not is_kept:
                pixels[down + top : down + bottom, across + left : across + right] = self._mean
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "PNG", compress_level=1)
        return file.getvalue()


def patches_of(field: str, encoder: Picture, value: Any, side: int) -> Patches:
    """Decode a picture that fits the encoder and part it; raises DeadlinePassed or TooManyPictures."""
    ((image, size),) = encoder.read([value], Faults())
    frame = FRAMINGS[encoder.framing](size, (encoder.width, encoder.height))
    return Patches(field, np.asarray(image), size, frame, side)


def _edges(length: int, parts: int) -> list[int]:
    count = min(length, parts)
    return [length * number // count for number in range(count + 1)]
