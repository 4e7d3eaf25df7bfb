import base64
import contextlib
import io
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from serving.contract import ImageResizer
from serving.errors import InvalidField

RESIZER = ImageResizer(8, 8)
ORIENTATION = 0x0112


def encoded(image, format="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def pixels(data, resizer=RESIZER):
    return resizer.transform([resizer.decode({"image": data})])["image"][0]


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "GIF"])
def test_each_format_gives_the_colour_that_was_drawn(format):
    red = encoded(Image.new("RGB", (20, 30), (200, 30, 30)), format)

    assert np.abs(pixels(red).astype(int) - (200, 30, 30)).max() <= 6


def test_base64_text_and_bytes_are_the_same_picture():
    data = encoded(Image.new("RGB", (5, 5), (1, 2, 3)))

    assert np.array_equal(pixels(data), pixels(base64.b64encode(data).decode()))


def test_a_gif_gives_its_first_frame():
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("white", "black")]
    animated = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])

    assert pixels(animated).min() == 255


def test_exif_orientation_turns_the_picture_upright():
    sideways = Image.new("RGB", (16, 8), "black")
    sideways.paste("white", (0, 0, 8, 8))  # left half
    exif = Image.Exif()
    exif[ORIENTATION] = 6  # shown turned by 90 degrees clockwise: left becomes top
    upright = pixels(encoded(sideways, "JPEG", quality=100, exif=exif))

    assert upright[:3].min() > 200
    assert upright[5:].max() < 60


@pytest.mark.parametrize(
    ("image", "grey"),
    [
        (Image.new("L", (9, 9), 100), 100),
        (Image.new("RGBA", (9, 9), (0, 0, 0, 0)), 255),  # transparent: the white background
        (Image.new("LA", (9, 9), (100, 255)), 100),
        (Image.new("P", (9, 9), 0), 0),
        (Image.new("1", (9, 9), 1), 255),
        (Image.fromarray(np.full((9, 9), 100 * 257, np.uint16)), 100),
    ],
    ids=["grey", "transparent", "grey with alpha", "palette", "two-level", "16-bit grey"],
)
def test_every_mode_becomes_eight_bit_colour(image, grey):
    assert np.all(pixels(encoded(image)) == grey)


def test_a_grey_model_gets_one_channel_and_its_own_background():
    glyph = ImageResizer(4, 4, mode="L", background=0)

    got = pixels(encoded(Image.new("RGBA", (9, 9), (255, 255, 255, 0))), glyph)
    assert got.shape == (4, 4, 1)
    assert got.max() == 0


def test_shrinking_is_antialiased():
    checkers = Image.fromarray(((np.indices((64, 64)).sum(axis=0) % 2) * 255).astype(np.uint8))

    assert np.abs(pixels(encoded(checkers)).astype(int) - 128).max() < 8


def test_a_large_jpeg_decoded_at_a_fraction_is_close_to_the_whole():
    rng = np.random.default_rng(0)
    smooth = Image.fromarray(rng.integers(0, 255, (9, 12, 3), np.uint8)).resize((400, 300), Image.Resampling.BICUBIC)
    data = encoded(smooth, "JPEG", quality=95)
    whole = np.asarray(Image.open(io.BytesIO(data)).resize((32, 32), Image.Resampling.BILINEAR))

    assert np.abs(pixels(data, ImageResizer(32, 32)).astype(int) - whole).mean() < 1


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "expected a base64 string, got nothing"),
        (12, "expected a base64 string, got 12"),
        ("not base64!", "expected base64"),
        ("é", "expected base64"),
        ("", "expected a whole picture in one of the formats JPEG, PNG, WEBP, GIF, got nothing"),
        (b"hello world", "got 11 bytes that start with b'hello wo'"),
        (encoded(Image.new("RGB", (50, 50)), "BMP"), "expected a whole picture"),
        (encoded(Image.new("RGB", (50, 50)), "PNG")[:60], "expected a whole picture"),
        (encoded(Image.effect_noise((200, 200), 50), "JPEG")[:900], "expected a whole picture"),
    ],
)
def test_what_is_not_a_whole_picture_is_refused(value, message):
    with pytest.raises(InvalidField, match=message):
        RESIZER.decode({"image": value})


def test_a_picture_with_too_many_pixels_is_not_decoded():
    small = ImageResizer(8, 8, max_pixels=99)

    with pytest.raises(InvalidField, match="expected at most 99 pixels, got 10x10"):
        small.decode({"image": encoded(Image.new("L", (10, 10)))})


def test_a_decompression_bomb_is_refused():
    bomb = encoded(Image.new("1", (20_000, 20_000)))
    assert len(bomb) < 100_000

    with pytest.raises(InvalidField, match="at most 50,000,000 pixels"):
        RESIZER.decode({"image": bomb})


@given(st.integers(1, 40), st.integers(1, 40), st.sampled_from(["RGB", "L", "RGBA", "LA", "1", "P", "I;16"]))
def test_any_size_and_mode_fits_the_signature(width, height, mode):
    data = encoded(Image.new(mode, (width, height)))

    got = pixels(data)
    assert got.shape == (8, 8, 3)
    assert got.dtype == np.uint8


@given(st.binary(max_size=200))
def test_any_bytes_give_a_picture_or_a_clear_refusal(data):
    with contextlib.suppress(InvalidField):
        assert pixels(data).shape == (8, 8, 3)


def test_state_survives_json():
    glyph = ImageResizer(4, 5, mode="L", background=0, max_pixels=7)

    assert ImageResizer.from_state(json.loads(json.dumps(glyph.to_state()))) == glyph
