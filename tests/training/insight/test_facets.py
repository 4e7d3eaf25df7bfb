import io
import math
from datetime import date

import numpy as np
import pytest
from PIL import Image

from training.insight.facets import facets, frequent, of_targets
from training.insight.scripts import script_of


def of(values, kind=""):
    return facets([{"it": value} for value in values], {"it": kind})


def picture(grey, side=40, kind="PNG"):
    buffer = io.BytesIO()
    Image.new("L", (side, side // 2), grey).save(buffer, kind)
    return buffer.getvalue()


def test_a_number_is_its_own_facet_and_a_gap_is_none():
    (facet,) = of([1, 2.5, None, math.nan, math.inf])

    np.testing.assert_array_equal(facet.numbers, [1, 2.5, math.nan, math.nan, math.nan])
    assert (facet.title, facet.missing.tolist()) == ("it", [False, False, True, True, True])


def test_numbers_may_be_categories_if_the_contract_says_so():
    (facet,) = of([3, 1, None], "category")

    assert facet.names == [("3",), ("1",), ()]


def test_a_text_has_its_length_and_of_several_scripts_which_one():
    length, script = of(["to be", "быть", None, "42"], "text")

    np.testing.assert_array_equal(length.numbers, [5, 4, math.nan, 2])
    assert script.names == [("Latin",), ("Cyrillic",), (), ("no letters",)]
    assert [each.title for each in of(["one", "two"], "text")] == ["it: characters"]


def test_a_date_is_counted_in_seconds():
    (facet,) = of(["1970-01-02", date(1970, 1, 3), "1970-01-01T00:00:01+00:00", "soon", None], "date")

    np.testing.assert_array_equal(facet.numbers, [86400, 2 * 86400, 1, math.nan, math.nan])
    assert facet.is_date


def test_tags_are_names_and_arrays_have_a_mean():
    (tags,) = of([["a", "b"], [], None])
    mean, length = of([np.array([[1, 2], [3, 6]]), [5.0], None], "array")

    assert tags.names == [("a", "b"), (), ()]
    np.testing.assert_array_equal(mean.numbers, [3, 5, math.nan])
    np.testing.assert_array_equal(length.numbers, [4, 1, math.nan])


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_picture_has_brightness_and_size_and_a_broken_one_neither(kind):
    brightness, pixels = of([picture(0, kind=kind), picture(255, 400, kind), b"none", None], "image")

    np.testing.assert_allclose(brightness.numbers, [0, 1, math.nan, math.nan])
    np.testing.assert_array_equal(pixels.numbers, [800, 80_000, math.nan, math.nan])


def test_fields_that_come_late_were_missing_before():
    first, late = facets([{"a": 1}, {"a": 2, "b": "x"}], {})

    assert (first.field, late.field, late.names) == ("a", "b", [(), ("x",)])


def test_targets_are_named_by_their_classes_tags_or_numbers():
    assert of_targets(np.array([1, 0]), ("no", "yes"), "target")[0].names == [("yes",), ("no",)]
    assert of_targets(np.array([[1, 1], [0, 0]]), ("a", "b"), "target")[0].names == [("a", "b"), ()]
    assert [each.title for each in of_targets(np.array([[1, 5.0]]), ("w", "h"), "target")] == ["target: w", "target: h"]
    assert of_targets(np.array([2.0]), (), "target")[0].numbers.tolist() == [2.0]


@pytest.mark.parametrize(
    ("text", "script"),
    [("Straße", "Latin"), ("東京へ行く", "Japanese"), ("北京", "Chinese or Japanese"), ("مرحبا", "Arabic"),
     ("שלום", "Hebrew"), ("नमस्ते", "Devanagari"), ("서울", "Korean"), ("", "no letters")],
)  # fmt: skip
def test_the_script_of_a_text(text, script):
    assert script_of(text) == script


def test_equally_frequent_names_come_in_their_order():
    assert frequent([("b",), ("a",), ("c", "c"), ("a",)], 2) == ["a", "c"]
