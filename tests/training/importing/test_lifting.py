"""Preprocessing layers become encoders where the examples prove them equal, and stay in the graph elsewhere."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from serving.contract.encoders import Category, Number
from tests.training.importing.models import Place, numbers

pytestmark = pytest.mark.filterwarnings(
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"  # Keras, saving a model
)
CLOSE = {"rtol": 1e-4, "atol": 1e-5}
CITIES = ["ulm", "bonn", "nowhere", "ulm", "kiel"]
AGES = [20.5, 30.0, 41.25, 50.0, 63.0]
FLOORS = [1, 2, 9, 1, 3]
ROWS = [{"city": city, "age": age, "floor": floor} for city, age, floor in zip(CITIES, AGES, FLOORS, strict=True)]


def arrays() -> dict[str, Any]:
    return {
        "city": tf.constant(CITIES)[:, None],
        "age": np.array(AGES, np.float32)[:, None],
        "floor": np.array(FLOORS, np.int64)[:, None],
    }


def check_answers(place: Place, model: keras.Model, rows: list[dict[str, Any]], inputs: Any) -> None:
    got = [numbers(answer) for answer in place.answers(rows)]
    np.testing.assert_allclose(got, model.predict(inputs, verbose=0), **CLOSE)


def inputs() -> dict[str, Any]:
    city, age = keras.Input((1,), dtype="string", name="city"), keras.Input((1,), name="age")
    return {"city": city, "age": age, "floor": keras.Input((1,), dtype="int64", name="floor")}


def lookups_in_one_layer() -> keras.Model:
    given = inputs()
    normalization = layers.Normalization(mean=40.0, variance=99.0)
    parts = [
        layers.StringLookup(vocabulary=["ulm", "bonn", "kiel"], output_mode="one_hot")(given["city"]),
        normalization(given["age"]),
        layers.IntegerLookup(vocabulary=[1, 2, 3], output_mode="multi_hot")(given["floor"]),
    ]
    return keras.Model(given, layers.Dense(1)(layers.Concatenate()(parts)))


def lookups_and_encodings() -> keras.Model:
    given = inputs()
    city = layers.StringLookup(vocabulary=["ulm", "bonn", "kiel"])(given["city"])
    floor = layers.IntegerLookup(vocabulary=[1, 2, 3])(given["floor"])
    parts = [
        layers.CategoryEncoding(4, output_mode="one_hot")(city),
        layers.Rescaling(1 / 50, -0.5)(given["age"]),
        layers.Flatten()(layers.Embedding(4, 2)(floor)),
    ]
    return keras.Model(given, layers.Dense(1)(layers.Concatenate()(parts)))


def feature_space() -> keras.Model:
    kinds = keras.utils.FeatureSpace
    space = kinds(
        {
            "age": kinds.float_normalized(),
            "city": kinds.string_categorical(output_mode="one_hot"),
            "floor": kinds.integer_categorical(output_mode="one_hot"),
        },
        output_mode="concat",
    )
    space.adapt(tf.data.Dataset.from_tensor_slices({name: array[:, 0] for name, array in arrays().items()}))
    return keras.Model(space.get_inputs(), layers.Dense(1)(space.get_encoded_features()))


@pytest.mark.filterwarnings("ignore:(.|\\n)*structure of `inputs`:UserWarning")  # Keras, of a FeatureSpace's dictionary
@pytest.mark.parametrize("make", [lookups_in_one_layer, lookups_and_encodings, feature_space])
def test_lookups_and_scales_of_single_values_are_lifted(make: Any, place: Place) -> None:
    model = make()

    contract = place.bring(place.save(model), ROWS)

    assert {name: field.kind for name, field in contract.record.fields.items()} == {
        "city": "category",
        "age": "number",
        "floor": "category",
    }
    (told,) = place.said
    assert told.startswith("mine: lifted out of the graph, equal for all 5 examples: ")
    check_answers(place, model, ROWS, {name: arrays()[name] for name in model.input})


def test_columns_of_one_input_are_numbers_and_normalised_each(place: Place) -> None:
    table = np.array([AGES, FLOORS, [5, 6, 1, 2, 3]], np.float32).T
    normalization = layers.Normalization()
    normalization.adapt(table)
    model = keras.Sequential([keras.Input((3,)), normalization, layers.Dense(1)])
    rows = place.folder / "rows.csv"
    rows.write_text("age,floor,rooms\n" + "".join(",".join(map(str, row)) + "\n" for row in table.tolist()))

    contract = place.bring(place.save(model), rows)

    assert list(contract.record.fields) == ["age", "floor", "rooms"]
    age = contract.record.fields["age"]
    assert isinstance(age, Number)
    assert age.scaling.offset == pytest.approx(np.mean(AGES))
    check_answers(
        place, model, [dict(zip(["age", "floor", "rooms"], row, strict=True)) for row in table.tolist()], table
    )


def one_string(layer: Any, width: int = 4) -> keras.Model:
    city = keras.Input((1,), dtype="string", name="city")
    hidden = layer(city)
    if hidden.shape[-1] == 1:
        hidden = layers.Flatten()(layers.Embedding(9, width)(hidden))
    return keras.Model(city, layers.Dense(1)(hidden))


@pytest.mark.parametrize(
    "layer",
    [
        layers.StringLookup(vocabulary=["ulm", "bonn"], mask_token=""),
        layers.StringLookup(vocabulary=["ulm", "bonn"], num_oov_indices=3),
        layers.StringLookup(vocabulary=["ulm", "bonn"], output_mode="one_hot", max_tokens=9, pad_to_max_tokens=True),
        layers.Hashing(5),
        layers.TextVectorization(vocabulary=["ulm", "bonn"], output_sequence_length=1),
    ],
    ids=["mask token", "several buckets", "padded", "hashing", "text"],
)
def test_what_no_encoder_equals_stays_in_the_graph(layer: Any, place: Place) -> None:
    model = one_string(layer)
    rows = [{"city": city} for city in (*CITIES, "", "Ulm, Bonn!")]

    contract = place.bring(place.save(model), rows)

    assert contract.record.fields["city"].kind == "raw"
    assert place.said == []
    check_answers(place, model, rows, tf.constant([[row["city"]] for row in rows]))


def test_an_input_that_others_read_too_stays_as_it_is(place: Place) -> None:
    age = keras.Input((1,), name="age")
    model = keras.Model(
        age, layers.Dense(1)(layers.Concatenate()([layers.Normalization(mean=4, variance=9)(age), age]))
    )
    rows = [{"age": age} for age in AGES]

    contract = place.bring(place.save(model), rows)

    assert contract.record.fields["age"].kind == "raw"
    check_answers(place, model, rows, np.array(AGES, np.float32)[:, None])


@pytest.mark.parametrize("cities", [["ulm", "bonn"], ["ulm", "ulm", "ulm", "ulm"]])
def test_too_few_examples_prove_nothing(cities: list[str], place: Place) -> None:
    model = one_string(layers.StringLookup(vocabulary=["ulm", "bonn"], output_mode="one_hot"))

    contract = place.bring(place.save(model), [{"city": city} for city in cities])

    assert contract.record.fields["city"].kind == "raw"


def test_an_unknown_category_without_a_bucket_is_refused_by_name(place: Place) -> None:
    lookup = layers.StringLookup(vocabulary=["ulm", "bonn", "kiel"], num_oov_indices=0, output_mode="one_hot")
    rows = [{"city": city} for city in ("ulm", "bonn", "kiel")]

    contract = place.bring(place.save(one_string(lookup)), rows)

    field = contract.record.fields["city"]
    assert isinstance(field, Category)
    assert field.schema["enum"] == ["ulm", "bonn", "kiel"]
