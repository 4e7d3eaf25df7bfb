import base64
import io

import numpy as np
import pytest
from PIL import Image

from serving.contract.encoders import Picture, Text
from serving.explanation.absent import blank
from serving.explanation.parts import Whole, parts_of
from serving.explanation.patches import patches_of
from serving.explanation.words import words_of
from tests.serving.every_kind import every_kind, mixed_kind


@pytest.mark.parametrize("kind", every_kind(), ids=lambda kind: kind.name)
def test_an_instance_without_any_of_its_parts_fits_its_contract(kind):
    for instance in kind.instances:
        parts = parts_of(kind.contract, instance, 512)
        everything = (1 << len(parts.varied)) - 1

        for subset in {everything, 0, everything // 3}:
            assert len(kind.contract.decode([parts.with_only(subset)])) == 1
        whole, same = (kind.contract.features([each]) for each in (instance, parts.with_only(everything)))
        assert all((whole[name] == same[name]).all() for name in whole)


def test_the_fields_of_a_mixed_instance_have_parts_in_the_order_of_the_instance():
    kind = mixed_kind()
    without = {name: value for name, value in kind.instances[0].items() if name != "picture"} | {"score": None}
    reading = dict(reversed(list(without.items())))

    found = [(field, dict(place)) for field, place in parts_of(kind.contract, reading, 64).places]

    assert found == [
        ("curve", {"value": [1.0, 2.0], "reference": [1.0, 2.0]}),
        ("day", {"value": "2026-11-03", "reference": "2026-11-03"}),
        ("note", {"value": ["a", "很好"], "reference": ["a", "很好"]}),
        ("truth", {"value": True, "reference": True}),
        ("text", {"start": 0, "end": 1, "text": "A"}),
        ("text", {"start": 2, "end": 6, "text": "very"}),
        ("text", {"start": 7, "end": 11, "text": "good"}),
        ("text", {"start": 12, "end": 16, "text": "film"}),
        ("vocabulary", {"value": ["a"], "reference": []}),
        ("words", {"value": 3.0, "reference": 3.0}),
        ("amount", {"value": 4.0, "reference": 4.0}),
        ("label", {"value": "x", "reference": "x"}),
    ]


def test_places_in_a_text_are_counted_in_code_points():
    text = "  Schön 😀 wirklich\n很好的 カタカナ!"
    words = words_of("text", text, "", 64)

    assert [text[start:end] for start, end in words.spans] == [place["text"] for place in words.places]
    assert [place["text"] for place in words.places] == ["Schön", "😀", "wirklich", "很", "好", "的", "カタカナ", "!"]
    assert words.value([True] * 8) == text
    assert words.value([False, True, False, True, True, True, False, False]) == " 😀\n很好的"


@pytest.mark.parametrize("tokenizer", ["keras", "unicode", "characters", "hashed_ngrams"])
def test_what_stands_for_no_words_has_none_that_the_tokenizer_knows(tokenizer):
    encoder = Text.fit(["A very good film.", "bad?"], tokenizer=tokenizer)
    without = blank(encoder)

    assert without not in (None, "", " ")
    assert encoder.read([without], None).counts[0][1] == 0


def test_the_boxes_of_patches_tile_the_upright_picture():
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn
    file = io.BytesIO()
    Image.new("RGB", (90, 61), (9, 99, 199)).save(file, "JPEG", exif=exif)
    patches = patches_of("image", Picture(32, 32), base64.b64encode(file.getvalue()).decode(), 7)
    boxes = [place["box"] for place in patches.places]

    assert patches.picture == (61, 90)
    assert (boxes[0], boxes[1][:2], boxes[-1]) == ([0, 0, 8, 11], [8, 0], [51, 76, 61, 90])
    assert sum((right - left) * (bottom - top) for left, top, right, bottom in boxes) == 61 * 90


def test_of_a_padded_picture_the_padding_is_no_part():
    picture = Image.fromarray(np.random.default_rng(3).integers(0, 256, (20, 40, 3), np.uint8))
    file = io.BytesIO()
    picture.save(file, "PNG")
    encoder = Picture(32, 32, framing="pad", background=255)
    patches = patches_of("image", encoder, file.getvalue(), 4)

    none = np.asarray(Image.open(io.BytesIO(patches.value([False] * 16))))

    assert none[:8].min() == 255
    assert none[8:24].std(axis=(0, 1)).max() == 0
    assert patches.places[-1] == {"box": [30, 15, 40, 20]}


def test_a_file_of_a_kind_that_is_not_divided_is_not_told():
    whole = Whole("scan", b"a file", "the example's")

    assert whole.places == ({"value": None, "reference": "the example's"},)
    assert (whole.value([True]), whole.value([False])) == (b"a file", "the example's")
