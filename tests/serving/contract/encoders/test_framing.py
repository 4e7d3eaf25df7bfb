import io
from functools import cache

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from keras.utils import load_img
from PIL import Image

from serving.contract.encoders.image import Picture
from serving.contract.faults import Faults
from tests.serving.contract.encoders.pictures import ORIENTATION, encoded, noise

SIDES = st.integers(1, 90)
FILTERS = ["bilinear", "bicubic", "lanczos", "nearest"]
TENSORFLOWS = {"lanczos": "lanczos3"}
"""Where TensorFlow has another name for a filter."""


def framed(encoder, file):
    faults = Faults()
    block = encoder.encode(encoder.read([file], faults))
    assert faults.count == 0, faults.first
    return block[0]


@cache
def picture(width, height):
    return noise(width, height)


@settings(deadline=None, max_examples=40)
@given(SIDES, SIDES, st.integers(1, 30), st.integers(1, 30), st.sampled_from(FILTERS), st.sampled_from(["RGB", "L"]))
def test_cropped_pictures_are_bit_for_bit_those_of_keras(width, height, frame_height, frame_width, name, colour):
    assume(width * frame_height >= frame_width and height * frame_width >= frame_height)  # Keras crops these to nothing
    file = encoded(picture(width, height))
    mode = {"RGB": "rgb", "L": "grayscale"}[colour]
    size = frame_height, frame_width
    expected = load_img(io.BytesIO(file), color_mode=mode, target_size=size, interpolation=name, keep_aspect_ratio=True)

    got = framed(Picture(*size, colour, "crop", name), file)
    assert np.array_equal(got, np.asarray(expected).reshape(got.shape))


@settings(deadline=None, max_examples=40)
@given(SIDES, SIDES, st.integers(1, 30), st.integers(1, 30), st.sampled_from(FILTERS), st.sampled_from(["RGB", "L"]))
def test_squeezed_pictures_are_bit_for_bit_those_of_keras(width, height, frame_height, frame_width, name, colour):
    file = encoded(picture(width, height))
    mode = {"RGB": "rgb", "L": "grayscale"}[colour]
    size = frame_height, frame_width
    expected = load_img(io.BytesIO(file), color_mode=mode, target_size=size, interpolation=name)

    got = framed(Picture(*size, colour, "squeeze", name), file)
    assert np.array_equal(got, np.asarray(expected).reshape(got.shape))


@settings(deadline=None, max_examples=40)
@given(SIDES, SIDES, st.integers(1, 30), st.integers(1, 30), st.sampled_from(FILTERS))
def test_filters_are_those_of_tensorflow(width, height, frame_width, frame_height, name):
    assume(name != "nearest" or not (has_tie(width, frame_width) or has_tie(height, frame_height)))
    image = soft(width, height)
    got = framed(Picture(frame_height, frame_width, filter=name), encoded(image)).astype(float)
    expected = tf.image.resize(
        np.asarray(image, np.float32), (frame_height, frame_width), TENSORFLOWS.get(name, name), **antialias(name)
    )

    assert np.abs(got - expected.numpy()).max() <= TOLERANCE[name]


@settings(deadline=None, max_examples=40)
@given(SIDES, SIDES, st.integers(1, 30), st.integers(1, 30), st.sampled_from(FILTERS[:3]))
def test_padded_pictures_are_where_tensorflow_puts_them(width, height, frame_width, frame_height, name):
    assume(not is_close_call(width, height, frame_width, frame_height))
    image = soft(width, height)
    got = framed(Picture(frame_height, frame_width, "RGB", "pad", name, 0), encoded(image)).astype(float)
    expected = tf.image.resize_with_pad(
        np.asarray(image, np.float32), frame_height, frame_width, TENSORFLOWS.get(name, name), **antialias(name)
    )

    assert np.abs(got - expected.numpy()).max() <= TOLERANCE[name]


TOLERANCE = {"bilinear": 1.1, "bicubic": 1.6, "lanczos": 1.6, "nearest": 0}
"""Pillow rounds after each of two passes, TensorFlow not at all; what overshoots white or black, both cut elsewhere."""


def antialias(name):
    return {"antialias": name != "nearest"}


@cache
def soft(width, height):
    """Return a picture so far from white and black that no filter overshoots them."""
    return picture(width, height).point(lambda value: 96 + value // 4)


def has_tie(side, frame_side):
    """Return whether the middle of a pixel of the frame is where two of the picture meet, and rounding decides."""
    middles = [(pixel + 0.5) * side / frame_side for pixel in range(frame_side)]
    return any(abs(middle - round(middle)) < 1e-3 for middle in middles)


def is_close_call(width, height, frame_width, frame_height):
    """Return whether TensorFlow, which computes in float32, may round another way, or makes a picture of no pixels."""
    sides = min(width * frame_height / height, frame_width), min(height * frame_width / width, frame_height)
    halves = (frame_width - sides[0]) / 2, (frame_height - sides[1]) / 2
    ratio = max(np.float32(width) / np.float32(frame_width), np.float32(height) / np.float32(frame_height))
    rounded = [int(np.float32(side) / ratio) for side in (width, height)]
    return min(sides) < 1 or rounded != [int(side) for side in sides] or any(1e-6 < it % 1 < 1e-3 for it in halves)


def test_padding_is_the_background():
    white = encoded(Image.new("RGB", (10, 20), "white"))
    got = framed(Picture(8, 8, "L", "pad", background=7), white)[..., 0]

    assert got[:, 2:6].min() == 255
    assert set(got[:, [0, 1, 6, 7]].ravel().tolist()) == {7}


@pytest.mark.parametrize("framing", ["crop", "pad", "squeeze"])
def test_a_picture_of_any_proportions_has_its_frame(framing):
    for size in ((1, 500), (500, 1), (1, 1)):
        assert framed(Picture(3, 7, framing=framing), encoded(Image.new("RGB", size))).shape == (3, 7, 3)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("framing", ["crop", "pad"])
def test_a_large_jpeg_that_is_decoded_at_a_fraction_is_framed_as_the_whole(framing, orientation):
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    photo = encoded(picture(42, 28).resize((1001, 659), Image.Resampling.BICUBIC), "JPEG", quality=95, exif=exif)
    pixels = encoded(Image.open(io.BytesIO(photo)), "PNG", exif=exif)
    encoder = Picture(48, 40, framing=framing, background=0)
    got, expected = (framed(encoder, file).astype(int) for file in (photo, pixels))

    assert np.array_equal((got == 0).all(axis=2), (expected == 0).all(axis=2))
    assert np.abs(got - expected).mean() < 0.5


def test_of_a_large_jpeg_no_pixel_is_averaged_that_is_not_filtered():
    photo = encoded(picture(1003, 655), "JPEG", quality=95)
    pixels = encoded(Image.open(io.BytesIO(photo)), "PNG")
    encoder = Picture(48, 36, filter="nearest")

    assert np.array_equal(framed(encoder, photo), framed(encoder, pixels))
