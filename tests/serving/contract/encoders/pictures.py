"""Files of pictures that tests draw, of all modes, formats and orientations."""

import io

import numpy as np
from hypothesis import strategies as st
from PIL import Image

MODES = {
    "PNG": ("RGB", "L", "RGBA", "LA", "1", "P", "I;16"),
    "JPEG": ("RGB", "L", "CMYK"),
    "WEBP": ("RGB", "RGBA"),
    "GIF": ("L", "P", "RGB"),
}
ORIENTATION = 0x0112
SIDES = st.integers(1, 150)


def encoded(image, format="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def noise(width, height, seed=0):
    """Return a smooth picture in colours, in which no two places look the same."""
    coarse = np.random.default_rng(seed).integers(0, 255, (max(2, height // 8), max(2, width // 8), 3), np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


def drawn(width, height, mode, seed=0):
    """Return a picture of *mode*, with an alpha channel that has all values if it has one."""
    image = noise(width, height, seed)
    if mode == "I;16":
        return Image.fromarray(np.asarray(image.convert("L"), np.uint16) * 257)
    if mode in ("RGBA", "LA"):
        image.putalpha(Image.linear_gradient("L").resize((width, height)))
    return image.convert(mode)


@st.composite
def files(draw):
    """Draw a file of any format, mode, size and orientation."""
    format = draw(st.sampled_from(sorted(MODES)))
    mode = draw(st.sampled_from(MODES[format]))
    image = drawn(draw(SIDES), draw(SIDES), mode, draw(st.integers(0, 3)))
    options = {}
    if format != "GIF" and (orientation := draw(st.integers(0, 9))):
        options["exif"] = Image.Exif()
        options["exif"][ORIENTATION] = orientation
    if format in ("PNG", "GIF") and mode in ("L", "P") and draw(st.booleans()):
        options["transparency"] = draw(st.integers(0, 255))
    return encoded(image, format, **options)
