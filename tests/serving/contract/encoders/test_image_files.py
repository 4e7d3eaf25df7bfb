import base64
import io
import itertools
import json
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from serving.contract.encoders.image import Picture
from tests.serving.contract.encoders.pictures import ORIENTATION, encoded
from tests.serving.contract.encoders.reading import encode, faults_of

PICTURE = Picture(8, 8)


def pixels(data, encoder=PICTURE):
    return encode(encoder, [data])[0]


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


TAGS = (0x0001, 0x010E, 0x010F, 0x0110, 0x011A, 0x0128, 0x0132, 0x0201, 0x8298, 0x829A, 0x8769, 0x8825, 0x9286, 0xA005)
SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8}
"""Bytes of a value by the number of its type; other types are unknown."""
TURNED_BACK = {
    **{1: None, 2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM},
    **{5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE},
    8: Image.Transpose.ROTATE_270,
}


def exif_with(orientation, tag, kind):
    """The orientation, and one value of *kind* for *tag*."""
    value = bytes(range(7, 15))[: SIZES.get(kind, 1)]
    far = 8 + 2 + 2 * 12 + 4
    place = value.ljust(4, b"\0") if len(value) <= 4 else struct.pack("<I", far)
    entries = sorted([(0x0112, 3, struct.pack("<HH", orientation, 0)), (tag, kind, place)])
    table = b"".join(struct.pack("<HHI", tag, kind, 1) + place for tag, kind, place in entries)
    return b"Exif\0\0II*\0" + struct.pack("<IH", 8, 2) + table + bytes(4) + value


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", TURNED_BACK)
def test_no_other_exif_tag_keeps_a_picture_from_being_turned_upright(format, orientation):
    upright = Image.linear_gradient("L").resize((16, 24)).rotate(30)
    turn = TURNED_BACK[orientation]
    stored = upright if turn is None else upright.transpose(turn)
    wanted = np.asarray(upright.resize((8, 8), Image.Resampling.BILINEAR), int)[..., None]

    for tag, kind in itertools.product(TAGS, (*SIZES, 0, 99, 65535)):
        got = pixels(encoded(stored, format, quality=100, exif=exif_with(orientation, tag, kind)))
        assert np.abs(got - wanted).max() < 9, (tag, kind)


@pytest.mark.parametrize(
    "exif", [b"", b"Exif\0\0", b"Exif\0\0MM", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0nonsense"]
)
@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_exif_data_that_are_broken_refuse_no_picture(format, exif):
    white = Image.new("RGB", (20, 30), "white")

    assert pixels(encoded(white, format, exif=exif)).min() > 250


@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
@pytest.mark.parametrize("frame", [(100, 300), (300, 100)])
def test_a_large_jpeg_that_is_turned_is_decoded_large_enough_for_its_frame(orientation, frame):
    rng = np.random.default_rng(0)
    noise = Image.fromarray(rng.integers(0, 255, (200, 150, 3), np.uint8)).resize(
        (1600, 1200), Image.Resampling.BICUBIC
    )
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    data = encoded(noise, "JPEG", quality=95, exif=exif)
    whole = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    wanted = np.asarray(whole.resize(frame, Image.Resampling.BILINEAR), int)

    width, height = frame
    assert np.abs(pixels(data, Picture(height, width)) - wanted).mean() < 2


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
    glyph = Picture(4, 4, colour="L", background=0)

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

    assert np.abs(pixels(data, Picture(32, 32)).astype(int) - whole).mean() < 1


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
    (fault,) = faults_of(PICTURE, [value])
    assert message in fault


def test_a_picture_with_too_many_pixels_is_not_decoded():
    small = Picture(8, 8, max_pixels=99)

    assert faults_of(small, [encoded(Image.new("L", (10, 10)))]) == ["0: expected at most 99 pixels, got 10x10"]


def test_a_decompression_bomb_is_refused():
    bomb = encoded(Image.new("1", (20_000, 20_000)))
    assert len(bomb) < 100_000

    (fault,) = faults_of(PICTURE, [bomb])
    assert "at most 50,000,000 pixels" in fault


@given(st.integers(1, 40), st.integers(1, 40), st.sampled_from(["RGB", "L", "RGBA", "LA", "1", "P", "I;16"]))
def test_any_size_and_mode_fits_the_signature(width, height, mode):
    data = encoded(Image.new(mode, (width, height)))

    got = pixels(data)
    assert got.shape == (8, 8, 3)
    assert got.dtype == np.uint8


def test_state_survives_json():
    glyph = Picture(4, 5, colour="L", background=0, max_pixels=7)

    assert Picture.from_state(json.loads(json.dumps(glyph.to_state()))) == glyph
