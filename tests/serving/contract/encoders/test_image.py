import base64
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from serving.contract import ImageResizer
from serving.contract.encoders.image import Picture
from serving.contract.faults import Faults
from serving.contract.instance_limits import InstanceLimits
from serving.errors import InvalidField
from tests.serving.contract.encoders.pictures import ORIENTATION, encoded, files, noise

SIDES = st.integers(1, 40)
PICTURE = Picture(8, 8)
LIMITS = InstanceLimits(text_characters=1, image_pixels=99, image_bytes=300)


def read(encoder, values):
    faults = Faults()
    column = encoder.read(values, faults)
    assert faults.count == 0, faults.first
    return column


def block(encoder, *values):
    return encoder.encode(read(encoder, values))


def problems(encoder, values):
    faults = Faults()
    encoder.read(values, faults)
    return [(fault.row, str(fault)) for fault in faults.first]


@settings(deadline=None)  # the first picture of a format loads its reader
@given(
    st.lists(files(), min_size=1, max_size=3),
    SIDES,
    SIDES,
    st.sampled_from(["RGB", "L"]),
    st.integers(0, 255),
    st.booleans(),
)
def test_squeezed_pictures_are_bit_for_bit_those_of_the_first_contract(data, height, width, colour, background, text):
    old = ImageResizer(height, width, colour, background)
    new = Picture(height, width, colour, background=background)
    again = Picture.from_state(json.loads(json.dumps(new.to_state())))
    values = [base64.b64encode(file).decode() if text else file for file in data]
    features, measures = old.measured([old.decode({"image": value}) for value in values])

    for encoder in (new, again):
        column = read(encoder, values)
        pixels = encoder.encode(column)
        assert pixels.dtype == np.uint8
        assert np.array_equal(pixels, features["image"])
        assert np.array_equal(encoder.measured("image", column, pixels).values, measures.values)
    assert new.block == old.inputs["image"]
    assert new.measures("image") == old.measures
    assert new == again


def test_no_pictures_are_an_empty_block():
    pixels = block(PICTURE)

    assert pixels.shape == (0, 8, 8, 3)
    assert PICTURE.measured("image", [], pixels).values.shape == (0, 3)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_large_photos_are_squeezed_as_in_the_first_contract(orientation):
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    photo = encoded(noise(903, 651), "JPEG", exif=exif)

    old = ImageResizer(40, 30)
    assert np.array_equal(block(Picture(40, 30), photo), old.transform([old.decode({"image": photo})])["image"])


def test_the_schema_is_that_of_the_first_contract():
    assert PICTURE.limited(LIMITS).schema == ImageResizer(8, 8).limited(LIMITS).instance_schema["properties"]["image"]


BAD = [None, 12, [], "not base64!", "\xe9", "", b"", b"hello", encoded(noise(3, 3), "BMP"), encoded(noise(9, 9))[:60]]
BAD += [encoded(Image.new("1", (10, 10))), b"x" * 301, "x" * 408, "x" * 404, encoded(Image.new("1", (20_000, 20_000)))]


@pytest.mark.parametrize("value", BAD, ids=range(len(BAD)))
def test_the_same_is_refused_as_by_the_first_contract_and_in_the_same_words(value):
    good = encoded(Image.new("L", (3, 3)))
    with pytest.raises(InvalidField) as refused:
        ImageResizer(8, 8).limited(LIMITS).decode({"image": value})

    assert problems(PICTURE.limited(LIMITS), [good, value, good, value]) == [
        (row, refused.value.problem) for row in (1, 3)
    ]


@settings(deadline=None)  # the first picture of a format loads its reader
@given(st.binary(max_size=200) | files().map(lambda data: data[: len(data) // 2]))
def test_any_bytes_are_a_picture_or_a_fault(data):
    faults = Faults()
    column = PICTURE.read([data], faults)

    assert faults.count == 1 or PICTURE.encode(column).shape == (1, 8, 8, 3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"framing": "stretch"}, "framing: expected squeeze or crop or pad, got 'stretch': update this installation"),
        ({"filter": "hamming"}, "filter: expected bilinear or .*, got 'hamming': update this installation"),
        ({"colour": "CMYK"}, "colour: expected RGB or L, got 'CMYK': update this installation"),
        ({"filter": ["nearest"]}, "filter: expected"),
        ({"height": 0}, "height: expected 1 to"),
        ({"width": "8"}, "width: expected a whole number"),
        ({"background": 256}, "background: expected 0 to 255"),
        ({"max_pixels": None}, "max_pixels: expected a whole number"),
    ],
)
def test_a_state_that_is_another_is_refused(change, message):
    with pytest.raises((ValueError, TypeError), match=message):
        Picture.from_state(PICTURE.to_state() | change)


def test_a_state_that_lacks_something_is_refused():
    with pytest.raises(KeyError, match="framing"):
        Picture.from_state({name: value for name, value in PICTURE.to_state().items() if name != "framing"})


def test_no_picture_may_be_missing():
    assert Picture.fit([b"", "aGk="], height=3, width=4, framing="pad") == Picture(3, 4, framing="pad")
    with pytest.raises(ValueError, match="row 1: expected a picture, got nothing: 2 are missing"):
        Picture.fit([b"", None, None], height=3, width=4)
