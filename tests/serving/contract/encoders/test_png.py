"""PNG files written chunk by chunk: all that the format lets a file hold, and what Pillow's writer never makes."""

import struct
import tracemalloc
import zlib

import numpy as np
import pytest

from serving.contract.encoders.image import Picture
from serving.contract.encoders.png import pixels_only
from tests.serving.contract.encoders.reading import encode, faults_of

HEIGHT, WIDTH = 5, 6
AS_IT_IS = Picture(HEIGHT, WIDTH)
GREY, COLOUR = 0, 2
XMP = b'XML:com.adobe.xmp\0\0\0\0\0<x tiff:Orientation="6"/>'
PACKED_XMP = b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(b'<x tiff:Orientation="6"/>')


def chunk(name, content):
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png(samples, depth, colour=GREY, before=(), after=()):
    """Encode `samples: int[height, width(, 3)]` of *depth* bits, with other chunks before and after the pixels'."""
    rows = samples.reshape(len(samples), -1).astype(np.uint16)
    bits = (rows[..., None] >> np.arange(depth)[::-1]) & 1
    packed = np.packbits(bits.reshape(len(rows), -1).astype(np.uint8), axis=1)
    lines = b"".join(b"\0" + row.tobytes() for row in packed)
    header = struct.pack(">IIBBBBB", samples.shape[1], samples.shape[0], depth, colour, 0, 0, 0)
    pixels = [(b"IDAT", zlib.compress(lines))]
    parts = [(b"IHDR", header), *before, *pixels, *after, (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


def pixels(data, encoder=AS_IT_IS):
    return encode(encoder, [data])[0]


PLAIN = png(np.arange(HEIGHT * WIDTH).reshape(HEIGHT, WIDTH) * 8, 8)


@pytest.mark.parametrize("spare", [0, 0xFF00], ids=["", "bits that are to be ignored"])
@pytest.mark.parametrize(
    ("depth", "colour"), [(1, GREY), (2, GREY), (4, GREY), (8, GREY), (16, GREY), (8, COLOUR), (16, COLOUR)]
)
def test_the_transparent_value_lets_the_background_through(depth, colour, spare):
    most = 2**depth - 1
    samples = np.random.default_rng(0).integers(0, most + 1, (HEIGHT, WIDTH, 3) if colour else (HEIGHT, WIDTH))
    samples[0, :2] = samples[2, 3]
    samples[1, 1] = samples[2, 3] ^ 1  # another value, however near
    key = samples[2, 3]
    spare = spare if 1 < depth < 16 else 0
    transparent = struct.pack(">3H" if colour else ">H", *(np.atleast_1d(key) | spare))
    # Pillow takes the high byte of 16-bit colours, and this project the nearest of 16-bit grey.
    eight = samples >> 8 if (depth, colour) == (16, COLOUR) else np.round(samples * (255 / most))
    through = (samples == key).all(axis=2) if colour else samples == key
    seen = eight if colour else np.repeat(eight[..., None], 3, axis=2)

    for background in (255, 0, 90):
        got = pixels(
            png(samples, depth, colour, [(b"tRNS", transparent)]), Picture(HEIGHT, WIDTH, background=background)
        )
        assert np.array_equal(got, np.where(through[..., None], background, seen))
    assert through.sum() >= 3


def test_a_transparent_16_bit_picture_is_turned_with_what_is_transparent():
    samples = np.arange(HEIGHT * WIDTH).reshape(HEIGHT, WIDTH) * 2000
    colours = np.repeat(samples[..., None], 3, axis=2)
    sideways = Picture(WIDTH, HEIGHT)

    for file in (
        png(samples, 16, GREY, [(b"tRNS", struct.pack(">H", 2000)), (b"iTXt", XMP)]),
        png(colours, 16, COLOUR, [(b"tRNS", struct.pack(">3H", 2000, 2000, 2000)), (b"iTXt", XMP)]),
    ):
        got = pixels(file, sideways)[..., 0]
        assert got[1, -1] == 255
        assert (got == 255).sum() == 1


@pytest.mark.parametrize("place", ["before", "after"])
@pytest.mark.parametrize(
    ("name", "content"),
    [
        (b"zTXt", b"Comment\0\0" + zlib.compress(bytes(3_000_000))),
        (b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(bytes(3_000_000))),
        (b"iTXt", b"Comment\0\1\0\0\0" + zlib.compress(bytes(3_000_000))),
        (b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(bytes(3_000_000))),
        (b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + bytes(3_000_000)),
        (b"iCCP", b"profile\0\0" + zlib.compress(bytes(3_000_000))),
        (b"iCCP", b"profile\0\7 packed in a way that nobody knows"),
        (b"zTXt", b"Comment\0\7 packed in a way that nobody knows"),
        (b"tEXt", b"Comment\0" + bytes(3_000_000)),
        (b"zTXt", b""),
        (b"gAMA", b""),
        (b"pHYs", b"\0"),
        (b"prVt", bytes(3_000_000)),
    ],
    ids=lambda value: value[:12].decode("latin-1"),
)
def test_chunks_that_say_nothing_of_the_pixels_refuse_no_picture(name, content, place):
    samples = np.arange(HEIGHT * WIDTH).reshape(HEIGHT, WIDTH) * 8

    assert np.array_equal(pixels(png(samples, 8, **{place: [(name, content)]})), pixels(PLAIN))


@pytest.mark.parametrize("name", [b"zTXt", b"iTXt", b"iCCP"])
def test_a_small_chunk_that_unpacks_to_very_much_takes_no_memory(name):
    packed = zlib.compress(bytes(50_000_000))
    keyword = b"XML:com.adobe.xmp\0\1\0\0\0" if name == b"iTXt" else b"Raw profile type exif\0\0"
    data = png(np.zeros((HEIGHT, WIDTH), int), 8, before=[(name, keyword + packed)] * 20)

    tracemalloc.start()
    try:
        assert pixels(data).max() == 0
        assert tracemalloc.get_traced_memory()[1] < 3 * len(data) + 5_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("xmp", [XMP, PACKED_XMP], ids=["plain", "packed"])
def test_a_text_that_says_which_side_is_up_is_obeyed(xmp):
    samples = np.arange(HEIGHT * WIDTH).reshape(HEIGHT, WIDTH) * 8
    got = pixels(png(samples, 8, before=[(b"iTXt", xmp)]), Picture(WIDTH, HEIGHT))

    assert np.array_equal(got[..., 0], np.rot90(samples, -1))


def test_a_file_without_such_chunks_is_the_same_object_and_what_is_no_png_too():
    for data in (PLAIN, b"", b"\x89PNG\r\n\x1a\n", b"GIF89a" + bytes(50), PLAIN[:40]):
        assert pixels_only(data) is data


def test_a_file_that_is_cut_is_refused_wherever_it_is_cut():
    data = png(np.zeros((HEIGHT, WIDTH), int), 8, before=[(b"zTXt", b"Comment\0\0" + zlib.compress(b"x"))])

    for length in range(data.index(b"IDAT") + 8):
        (fault,) = faults_of(AS_IT_IS, [data[:length]])
        assert "whole picture" in fault


def test_a_file_that_is_cut_in_what_would_be_passed_over_is_left_as_it_is():
    data = png(np.zeros((HEIGHT, WIDTH), int), 8, before=[(b"gAMA", bytes(4))], after=[(b"zTXt", bytes(99))])[:-50]

    assert pixels_only(data).endswith(data[data.index(b"IDAT") :])
