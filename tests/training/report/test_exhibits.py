import base64
import io
import math

import pytest
from PIL import Image

from tests.training.report.records import image_file
from training.report.exhibits import EXCERPT, SIDE, exhibit


def decoded(uri: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(uri.split(",")[1])))


def test_fields_are_sorted_by_what_they_are():
    shown = exhibit({"title": "A short one", "body": "word " * 50, "rooms": 6.123456789, "age": None, "tax": math.nan})

    assert shown.fields == {"title": "A short one", "rooms": "6.12346", "age": "missing", "tax": "missing"}
    assert list(shown.texts) == ["body"]


def test_a_long_text_is_cut_after_a_word():
    text = exhibit({"text": "abcdefg " * 200}).texts["text"]

    assert text.endswith("abcdefg … (1,600 characters)")
    assert len(text) < EXCERPT + 30


def test_a_small_image_keeps_its_pixels_and_is_enlarged():
    (shown,) = exhibit({"image": image_file(28)}).images

    assert shown.enlarged
    assert decoded(shown.uri).size == (28, 28)
    assert decoded(shown.uri).format == "PNG"


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "BMP", "GIF"])
def test_a_large_image_of_any_format_becomes_a_small_jpeg(kind):
    (shown,) = exhibit({"image": image_file(1000, kind)}).images

    assert shown.uri.startswith("data:image/jpeg;base64,")
    assert decoded(shown.uri).size == (SIDE, SIDE)


def test_bytes_that_are_not_an_image_are_reported():
    shown = exhibit({"image": b"<svg onload=alert(1)>"})

    assert not shown.images
    assert shown.fields == {"image": "21 bytes that are not a readable image"}
