"""How a picture looks, in numbers that cost little: its brightness and its size."""

import io
import math
from dataclasses import dataclass

import numpy as np
from PIL import Image

from serving.contract.encoders.png import pixels_only

SIDE = 32
"""Pictures are made this small, in pixels, before their brightness is measured."""


@dataclass(frozen=True)
class Look:
    """Mean *brightness*, from 0 (black) to 1, and number of *pixels*; NaN of a file that can't be read."""

    brightness: float = math.nan
    pixels: float = math.nan


def look(file: bytes) -> Look:
    """Return how the picture in *file* looks."""
    try:
        with Image.open(io.BytesIO(pixels_only(file))) as image:
            pixels = float(image.width * image.height)
            image.draft("L", (SIDE, SIDE))  # a JPEG is then decoded at an eighth of its size
            grey = image.convert("L")
            small = grey.reduce(max(1, min(grey.size) // SIDE))
            return Look(float(np.asarray(small, np.float64).mean()) / 255, pixels)
    except Exception:  # Pillow's parsers may raise anything, and a report must not fail because of it
        return Look()
