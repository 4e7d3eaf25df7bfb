"""Large pictures are turned and converted band by band: that computes the same as the whole at once, in less memory."""

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from serving.contract.encoders import developing, png
from serving.contract.encoders.image import Picture
from tests.serving.contract.encoders.pictures import ORIENTATION, encoded
from tests.serving.contract.encoders.reading import encode

RNG = np.random.default_rng(0)
WIDTH, HEIGHT = 67, 53


def drawn(mode: str) -> Image.Image:
    """A picture of noise."""
    if mode == "I;16":
        return Image.fromarray(RNG.integers(0, 65536, (HEIGHT, WIDTH), np.uint16))
    noise = Image.fromarray(RNG.integers(0, 256, (HEIGHT, WIDTH, 4), np.uint8), "RGBA")
    if mode in ("RGBA", "LA"):
        return noise.convert(mode)
    return noise.convert("RGB").convert(mode)


def turned(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    return exif


FILES = {
    **{mode: encoded(drawn(mode)) for mode in ("1", "L", "P", "LA", "RGBA", "I;16")},
    **{f"turned {tag}": encoded(drawn("RGB"), exif=turned(tag)) for tag in range(2, 9)},
    **{f"transparent, turned {tag}": encoded(drawn("RGBA"), exif=turned(tag)) for tag in range(2, 9)},
    "palette with transparency": encoded(drawn("P"), transparency=bytes(range(256))),
    "grey with a transparent value": encoded(drawn("I;16"), transparency=int(np.asarray(drawn("I;16"))[0, 0])),
    "JPEG in four colours": encoded(drawn("CMYK"), "JPEG"),
    "grey JPEG": encoded(drawn("L"), "JPEG", exif=turned(6)),
    "GIF": encoded(drawn("P"), "GIF", transparency=3),
    "WebP": encoded(drawn("RGBA"), "WEBP", lossless=True),
}


@pytest.mark.parametrize("kind", FILES)
def test_a_picture_in_bands_has_the_pixels_of_the_whole_at_once(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    encoders = [
        Picture(height, width, colour=colour, framing=framing, filter=filter, background=40)
        for height, width, colour, framing in (
            *((20, 15, "RGB", framing) for framing in ("squeeze", "crop", "pad")),
            *((53, 90, "L", framing) for framing in ("squeeze", "crop", "pad")),
        )
        for filter in ("bilinear", "bicubic", "lanczos", "nearest", "drafted")
    ]
    whole = [encode(encoder, [FILES[kind]]) for encoder in encoders]
    monkeypatch.setattr(developing, "_BAND_PIXELS", 5 * WIDTH)
    monkeypatch.setattr(png, "_BAND_PIXELS", 5 * WIDTH)
    for encoder, pixels in zip(encoders, whole, strict=True):
        np.testing.assert_array_equal(encode(encoder, [FILES[kind]]), pixels, str(encoder))


MEASURED = """
import io, sys
from pathlib import Path
from serving.contract.encoders.image import Picture
from serving.contract.faults import Faults

def peak() -> int:
    return next(int(line.split()[1]) * 1024 for line in open("/proc/self/status") if line.startswith("VmHWM"))

picture, small = Picture(150, 150), Path(sys.argv[1]).read_bytes()
picture.read([small], Faults())
before, faults = peak(), Faults()
picture.read([Path(sys.argv[2]).read_bytes()], faults)
assert not faults.count, faults.first
print(peak() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("kind", ["RGBA, turned", "palette with transparency", "16-bit grey"])
def test_a_large_picture_takes_at_most_twice_its_decoded_size(tmp_path, kind: str) -> None:
    grey = Image.linear_gradient("L").resize((4000, 3000))
    drawn = {
        "RGBA, turned": (Image.merge("RGBA", [grey] * 4), {"exif": turned(6)}),
        "palette with transparency": (grey.convert("RGB").quantize(16), {"transparency": bytes(range(0, 256, 16))}),
        "16-bit grey": (Image.fromarray(np.asarray(grey, np.uint16) * 257), {}),
    }
    image, options = drawn[kind]
    (tmp_path / "large.png").write_bytes(encoded(image, compress_level=1, **options))
    (tmp_path / "small.png").write_bytes(encoded(image.crop((0, 0, 9, 9)), **options))
    command = [sys.executable, "-c", MEASURED, str(tmp_path / "small.png"), str(tmp_path / "large.png")]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr
    assert int(told.stdout) < 2 * 4000 * 3000 * 4
