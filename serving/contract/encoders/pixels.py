"""What pictures need before they are resized: to be upright, and to have 8 bits a channel."""

import numpy as np
from PIL import ExifTags, Image

FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What brings a picture upright, by its EXIF orientation."""
QUARTER_TURNS = tuple(TURNS[orientation] for orientation in (5, 6, 7, 8))
DEEP_GREY = ("I", "I;16", "I;16B", "I;16L", "F")


def upright(image: Image.Image) -> Image.Image:
    """Return the picture turned as its EXIF data ask for; other tags of theirs may be broken."""
    turn = turn_of(image)
    return image if turn is None else image.transpose(turn)


def turn_of(image: Image.Image) -> Image.Transpose | None:
    """Read the orientation alone: a tag that nobody asks for must not refuse a picture."""
    try:
        return TURNS.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # Pillow's parsers raise whatever they stumble over
        image.load()  # a picture that is broken itself is told as that
        return None


def eight_bits(image: Image.Image) -> Image.Image:
    """Bring 16-bit grey down to 8 bits by value: Pillow's own conversion cuts everything above 255 to white."""
    values = np.asarray(image, np.float64)
    grey = Image.fromarray((np.clip(values, 0, 65535) / 257).round().astype(np.uint8))
    if (key := image.info.get("transparency")) is not None:
        grey.putalpha(Image.fromarray((values != key).astype(np.uint8) * 255))
    return grey
