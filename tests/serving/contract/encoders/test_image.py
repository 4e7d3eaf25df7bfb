import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from serving.contract.encoders.image import Picture
from serving.contract.faults import Faults
from serving.contract.instance_limits import InstanceLimits
from tests.serving.contract.encoders.pictures import encoded, files, noise

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


def test_no_pictures_are_an_empty_block():
    pixels = block(PICTURE)

    assert pixels.shape == (0, 8, 8, 3)
    assert PICTURE.measured("image", [], pixels).values.shape == (0, 3)


def test_the_schema_says_what_a_picture_may_be():
    assert PICTURE.limited(LIMITS).schema == {
        "type": "string",
        "contentEncoding": "base64",
        "minLength": 4,
        "maxLength": (LIMITS.image_bytes + 2) // 3 * 4,
        "pattern": "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$",
        "description": f"JPEG, PNG, WEBP, GIF; at most {LIMITS.image_pixels:,} pixels and {LIMITS.image_bytes:,} bytes",
    }


BAD = [None, 12, [], "not base64!", "\xe9", "", b"", b"hello", encoded(noise(3, 3), "BMP"), encoded(noise(9, 9))[:60]]
BAD += [encoded(Image.new("1", (10, 10))), b"x" * 301, "x" * 408, "x" * 404, encoded(Image.new("1", (20_000, 20_000)))]


@pytest.mark.parametrize("value", BAD, ids=range(len(BAD)))
def test_what_is_no_picture_is_refused_in_its_row(value):
    good = encoded(Image.new("L", (3, 3)))
    told = problems(PICTURE.limited(LIMITS), [good, value, good, value])
    assert [row for row, _ in told] == [1, 3]
    assert told[0][1] == told[1][1]
    assert told[0][1].startswith("expected ")


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
    with pytest.raises(ValueError, match="framing: expected"):
        Picture.from_state({name: value for name, value in PICTURE.to_state().items() if name != "framing"})


def test_no_picture_may_be_missing():
    assert Picture.fit([b"", "aGk="], height=3, width=4, framing="pad") == Picture(3, 4, framing="pad")
    with pytest.raises(ValueError, match="row 1: expected a picture, got nothing: 2 are missing"):
        Picture.fit([b"", None, None], height=3, width=4)


@pytest.mark.parametrize(("filter", "decoded"), [("bilinear", (500, 375)), ("drafted", (250, 188))])
def test_a_jpeg_is_decoded_no_larger_than_the_filter_needs(filter, decoded):
    file = io.BytesIO()
    Image.effect_noise((500, 375), 60).convert("RGB").save(file, "JPEG")
    opened = Image.open(io.BytesIO(file.getvalue()))
    opened.draft("RGB", (150, 150) if filter == "drafted" else (300, 300))
    assert opened.size == decoded
    (row,) = block(Picture(150, 150, filter=filter), file.getvalue())
    np.testing.assert_array_equal(row, np.asarray(opened.resize((150, 150), Image.Resampling.BILINEAR)))
