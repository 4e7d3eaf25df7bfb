"""Fields that are stated in a file, and what is matched without one."""

import csv
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from serving.contract.encoders import NumberArray, Picture
from tests.serving.contracts import png
from tests.training.importing.models import Place, numbers
from training.importing.errors import CannotImport

pytestmark = pytest.mark.filterwarnings(
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"  # Keras, saving a model
)
CLOSE = {"rtol": 1e-4, "atol": 1e-5}


def stated(place: Place, text: str) -> Any:
    path = place.folder / "fields.toml"
    path.write_text(text)
    return path


def test_pictures_are_files_beside_the_rows(place: Place) -> None:
    pixels = keras.Input((8, 8, 3), name="pixels")
    flat = layers.Flatten()(layers.Rescaling(1 / 255)(pixels))
    model = keras.Model(pixels, layers.Dense(1, activation="sigmoid")(flat))
    for number in range(3):
        (place.folder / f"{number}.png").write_bytes(png(number))
    rows = place.folder / "rows.csv"
    rows.write_text("photo\n0.png\n1.png\n2.png\n")

    fields = stated(place, '[fields.photo]\nkind = "image"\n')
    contract = place.bring(place.save(model), rows, fields=fields, labels=["cat,dog"])

    picture = contract.record.fields["photo"]
    assert isinstance(picture, Picture)
    assert (picture.height, picture.width, picture.colour) == (8, 8, "RGB")
    instances = [example.instance for example in contract.examples]
    features = contract.features(instances)["pixels"].astype(np.float32)
    scores = [answer["scores"]["dog"] for answer in place.answers(instances)]
    np.testing.assert_allclose(scores, model.predict(features, verbose=0)[:, 0], **CLOSE)


def test_an_input_of_any_length_gets_one(place: Place) -> None:
    ids = keras.Input((None,), dtype="int32", name="ids")
    model = keras.Model(ids, layers.Dense(1)(layers.GlobalAveragePooling1D()(layers.Embedding(9, 2)(ids))))
    rows = [{"ids": [1, 2, 3]}, {"ids": [1, 2]}, {"ids": [8, 7, 6, 5, 4]}]

    fields = stated(place, '[fields.ids]\nkind = "array"\nlength = 4\n')
    contract = place.bring(place.save(model), rows, fields=fields)

    assert isinstance(contract.record.fields["ids"], NumberArray)
    padded = np.array([[1, 2, 3, 0], [1, 2, 0, 0], [8, 7, 6, 5]], np.int32)
    got = [numbers(answer) for answer in place.answers(rows)]
    np.testing.assert_allclose(got, model.predict(padded, verbose=0), **CLOSE)


def test_categories_and_numbers_may_be_packed_into_one_input(place: Place) -> None:
    model = keras.Sequential([keras.Input((3,)), layers.Dense(1)])
    rows = place.folder / "rows.csv"
    with rows.open("w", newline="") as file:
        csv.writer(file).writerows([["city", "age"], ["ulm", 3], ["bonn", 4.5], ["ulm", 7]])

    fields = stated(
        place, '[fields.city]\nkind = "category"\nvalues = ["bonn", "ulm"]\n[fields.age]\nkind = "number"\n'
    )
    contract = place.bring(place.save(model), rows, fields=fields)

    assert contract.record.fields["city"].schema["enum"] == ["bonn", "ulm"]
    got = [numbers(answer) for answer in place.answers([{"city": "ulm", "age": 3}, {"city": "bonn", "age": 4.5}])]
    np.testing.assert_allclose(got, model.predict(np.array([[0, 1, 3], [1, 0, 4.5]]), verbose=0), **CLOSE)


def test_texts_of_a_csv_file_stay_texts_and_other_columns_are_left_out(place: Place) -> None:
    text = keras.Input((), dtype="string", name="text")
    lengths = layers.TextVectorization(vocabulary=["12", "null"], output_sequence_length=3)(text)
    model = keras.Model(text, layers.Dense(1)(layers.Flatten()(layers.Embedding(5, 2)(lengths))))
    rows = place.folder / "rows.csv"
    rows.write_text('target,text\n1,12\n0,null\n1,"[1, 2]"\n')

    contract = place.bring(place.save(model), rows)

    assert list(contract.record.fields) == ["text"]
    texts = ["12", "null", "[1, 2]"]
    got = [numbers(answer) for answer in place.answers([{"text": each} for each in texts])]
    np.testing.assert_allclose(got, model.predict(tf.constant(texts), verbose=0), **CLOSE)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[fields.x", "expected a TOML file, got one that can't be read"),
        ("[heads.x]\n", r"expected tables called \[fields.NAME\] and nothing else, got heads"),
        ("[fields]\nx = 3\n", "fields.x: expected a table, got 3"),
        ('[fields.x]\nkind = "numbr"\n', "fields.x: kind: expected one of number, category, .*, got 'numbr'"),
        ('[fields.x]\nkind = "raw"\ninput = "z"\n', "fields.x: input: expected one of the model's, .*, got 'z'"),
        ('[fields.y]\nkind = "array"\n', "expected a field 'y', got x: rename it there, or"),
        ('[fields.x]\nkind = "array"\nlenght = 4\n', "fields.x: kind 'array': .*lenght"),
        ('[fields.x]\nkind = "image"\n', "fields.x: kind 'image': "),
        ('[fields.x]\nkind = "raw"\nshape = [5]\n', "fields.x: kind 'raw': row 0: expected a list of 5 items, got 4"),
    ],
)
def test_a_file_of_fields_is_refused_with_the_place(text: str, message: str, place: Place) -> None:
    model = keras.Sequential([keras.Input((4,)), layers.Dense(1)])

    with pytest.raises(CannotImport, match=message):
        place.bring(place.save(model), [{"x": [1, 2, 3, 4]}], fields=stated(place, text))
