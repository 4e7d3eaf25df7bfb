"""Imported models answer through the gateway's app as the original's own `predict`."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from serving.contract.heads import Labels, TagSet, Value, Values, Vector
from tests.training.importing.models import Place, numbers

RNG = np.random.default_rng(7)
NUMBERS = RNG.normal(size=(6, 4)).astype(np.float32)
ROWS = [{"x": row.tolist()} for row in NUMBERS]
CLOSE = {"rtol": 1e-4, "atol": 1e-6}


pytestmark = pytest.mark.filterwarnings(
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"  # Keras, saving a model
)


def values(answers: list[dict[str, Any]]) -> np.ndarray:
    return np.array([numbers(answer) for answer in answers])


def functional() -> keras.Model:
    x = keras.Input((4,), name="x")
    hidden = layers.Dense(5, activation="tanh")(x)
    return keras.Model(x, layers.Dense(1)(layers.Concatenate()([hidden, x])))


def sequential() -> keras.Model:
    dense = layers.Dense(5, activation="relu")
    return keras.Sequential(
        [keras.Input((4,)), dense, layers.BatchNormalization(), layers.Dropout(0.5), layers.Dense(1)]
    )


def nested() -> keras.Model:
    inner = keras.Sequential([keras.Input((4,)), layers.Dense(4, activation="relu"), layers.Dense(3)])
    x = keras.Input((4,), name="x")
    return keras.Model(x, layers.Dense(1)(inner(x)))


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.parametrize("make", [functional, sequential, nested])
def test_a_number_is_the_originals(make: Any, suffix: str, place: Place) -> None:
    model = make()

    contract = place.bring(place.save(model, f"model{suffix}"), ROWS)

    assert isinstance(contract.answers.only, Value)
    assert contract.record.fields["x"].kind == "raw"
    np.testing.assert_allclose(values(place.answers(ROWS)), model.predict(NUMBERS, verbose=0), **CLOSE)


def test_two_labels_of_a_sigmoid_are_those_of_0_and_1(place: Place) -> None:
    model = keras.Sequential([keras.Input((4,)), layers.Dense(1, activation="sigmoid")])

    contract = place.bring(place.save(model), ROWS, labels=["bad,good"])
    answers = place.answers(ROWS)

    assert contract.problem == "binary"
    scores = model.predict(NUMBERS, verbose=0)[:, 0]
    np.testing.assert_allclose([answer["scores"]["good"] for answer in answers], scores, **CLOSE)
    assert [answer["label"] for answer in answers] == ["good" if score > 0.5 else "bad" for score in scores]


@pytest.mark.parametrize("names", [("a", "b"), ("a", "b", "c", "d", "e", "f")])
def test_labels_of_a_softmax_have_its_order(names: tuple[str, ...], place: Place) -> None:
    model = keras.Sequential([keras.Input((4,)), layers.Dense(len(names), activation="softmax")])

    contract = place.bring(place.save(model), ROWS, labels=[",".join(names)])
    answers = place.answers(ROWS)

    assert isinstance(contract.answers.only, Labels)
    scores = model.predict(NUMBERS, verbose=0)
    assert [answer["label"] for answer in answers] == [names[best] for best in scores.argmax(axis=1)]
    np.testing.assert_allclose([answer["score"] for answer in answers], scores.max(axis=1), **CLOSE)


def test_a_softmax_without_labels_is_pointed_out(place: Place) -> None:
    place.bring(place.save(keras.Sequential([keras.Input((4,)), layers.Dense(3, activation="softmax")])), ROWS)

    assert place.said == ["mine: output 'scores' looks like a softmax; with --labels it answers with a label"]


def test_tags_values_and_vectors(place: Place) -> None:
    model = keras.Sequential([keras.Input((4,)), layers.Dense(3, activation="sigmoid")])
    path, expected = place.save(model), model.predict(NUMBERS, verbose=0)

    tags = place.bring(path, ROWS, tags=["red,green,blue"]).answers.only
    named = place.bring(path, ROWS, values=["red,green,blue"]).answers.only
    vector = place.bring(path, ROWS).answers.only

    assert isinstance(tags, TagSet)
    assert isinstance(named, Values)
    assert isinstance(vector, Vector)
    np.testing.assert_allclose(values(place.answers(ROWS)), expected, **CLOSE)


def several_inputs() -> keras.Model:
    a, b = keras.Input((2,), name="a"), keras.Input((3,), name="b", dtype="int32")
    embedded = layers.Flatten()(layers.Embedding(20, 2)(b))
    hidden = layers.Concatenate()([layers.Dense(2)(a), embedded])
    return keras.Model([a, b], [layers.Dense(1, name="size")(hidden), layers.Dense(3, "softmax", name="mood")(hidden)])


def inputs_by_name() -> keras.Model:
    model = several_inputs()
    a, b = model.inputs
    size, mood = model.outputs
    return keras.Model({"b": b, "a": a}, {"mood": mood, "size": size})


@pytest.mark.parametrize("make", [several_inputs, inputs_by_name])
def test_several_inputs_and_outputs_go_by_their_names(make: Any, place: Place) -> None:
    model = make()
    a, b = NUMBERS[:, :2], RNG.integers(0, 20, (6, 3)).astype(np.int32)
    rows = [{"b": ids.tolist(), "a": pair.tolist()} for pair, ids in zip(a, b, strict=True)]

    contract = place.bring(place.save(model), rows, labels=["mood=calm,glad,sad"])
    answers = place.answers(rows)

    assert contract.problem == "multi_output"
    by_name = isinstance(model.input, dict)
    outputs = model.predict({"a": a, "b": b} if by_name else [a, b], verbose=0)
    size, mood = (outputs["size"], outputs["mood"]) if by_name else outputs
    np.testing.assert_allclose([answer["size"]["value"] for answer in answers], size[:, 0], **CLOSE)
    np.testing.assert_allclose([answer["mood"]["score"] for answer in answers], mood.max(axis=1), **CLOSE)


TEXTS = ["good film, really!", "bad film", "Don't know", "so good", "", "\u00c4rger \u4e2d\u6587"]


def test_texts_are_split_in_the_graph(place: Place) -> None:
    vectorization = layers.TextVectorization(max_tokens=50, output_sequence_length=6)
    vectorization.adapt(TEXTS)
    text = keras.Input((1,), dtype="string", name="text")
    pooled = layers.GlobalAveragePooling1D()(layers.Embedding(50, 4)(vectorization(text)))
    model = keras.Model(text, layers.Dense(1)(pooled))
    rows = [{"review": text} for text in TEXTS]

    contract = place.bring(place.save(model), rows)

    assert contract.record.fields["review"].kind == "raw"
    expected = model.predict(tf.constant([[text] for text in TEXTS]), verbose=0)
    np.testing.assert_allclose(values(place.answers(rows)), expected, **CLOSE)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_answers_in_float32(policy: str, place: Place) -> None:
    keras.config.set_dtype_policy(policy)
    model = keras.Sequential([keras.Input((4,)), layers.Dense(8, activation="relu"), layers.Dense(1)])

    place.bring(place.save(model), ROWS)

    expected = model.predict(NUMBERS, verbose=0).astype(np.float32)
    np.testing.assert_allclose(values(place.answers(ROWS)), expected, rtol=0.02, atol=0.01)


PACKAGE = """
import keras

@keras.saving.register_keras_serializable(package="PACKAGE")
class Twice(keras.layers.Layer):
    def call(self, inputs):
        return inputs * 2

@keras.saving.register_keras_serializable(package="PACKAGE")
class Net(keras.Model):
    def __init__(self, units=3, **options):
        super().__init__(**options)
        self.units = units
        self.twice, self.dense = Twice(), keras.layers.Dense(units, activation="softmax")

    def call(self, inputs, training=False):
        return self.dense(self.twice(inputs))

    def get_config(self):
        return {**super().get_config(), "units": self.units}

@keras.saving.register_keras_serializable(package="PACKAGE")
class Words(keras.Model):
    def __init__(self, **options):
        super().__init__(**options)
        self.ids = keras.layers.TextVectorization(vocabulary=["a", "b"], output_sequence_length=2)
        self.embedding, self.flat = keras.layers.Embedding(4, 2), keras.layers.Flatten()

    def call(self, texts):
        return self.flat(self.embedding(self.ids(texts)))
"""


@pytest.fixture
def package(place: Place, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A colleague's package, registered only while a test imports it."""
    name = "colleagues_layers"
    (place.folder / f"{name}.py").write_text(PACKAGE.replace("PACKAGE", name))
    monkeypatch.syspath_prepend(str(place.folder))
    yield name
    forget(name)


def forget(package: str) -> None:
    sys.modules.pop(package, None)
    registered = keras.saving.get_custom_objects()
    for name in [name for name in registered if name.startswith(f"{package}>")]:
        del registered[name]


def made_with(package: str, make: Any, place: Place) -> tuple[Path, np.ndarray]:
    model = make(__import__(package))
    expected = model.predict(NUMBERS, verbose=0)
    path = place.save(model)
    forget(package)
    return path, expected


def with_a_layer(module: Any) -> keras.Model:
    x = keras.Input((4,), name="x")
    return keras.Model(x, layers.Dense(3, activation="softmax")(module.Twice()(x)))


def subclassed(module: Any) -> keras.Model:
    model = module.Net()
    model(NUMBERS)
    return model


@pytest.mark.parametrize("make", [with_a_layer, subclassed])
def test_a_colleagues_package_brings_its_layers(make: Any, package: str, place: Place) -> None:
    path, expected = made_with(package, make, place)

    contract = place.bring(path, ROWS, labels=["a,b,c"], packages=(package,))

    assert contract.provenance["packages"] == [package]
    scores = [answer["score"] for answer in place.answers(ROWS)]
    np.testing.assert_allclose(scores, expected.max(axis=1), **CLOSE)


def test_a_loss_of_the_authors_own_does_not_matter(place: Place) -> None:
    @keras.saving.register_keras_serializable(package="colleagues_losses")
    def gap(truth: Any, score: Any) -> Any:
        return keras.ops.mean(truth - score)

    model = functional()
    model.compile("sgd", loss=gap)
    path, expected = place.save(model), model.predict(NUMBERS, verbose=0)
    forget("colleagues_losses")

    place.bring(path, ROWS)

    np.testing.assert_allclose(values(place.answers(ROWS)), expected, **CLOSE)


def words(module: Any) -> keras.Model:
    model = module.Words()
    model(tf.constant([["a b"]]))
    return model


def test_a_subclass_does_not_tell_types_so_examples_do(package: str, place: Place) -> None:
    texts = ["a b", "b", "c a"]
    model = words(__import__(package))
    expected = model.predict(tf.constant([[text] for text in texts]), verbose=0)
    path = place.save(model)
    forget(package)
    rows = [{"text": text} for text in texts]

    contract = place.bring(path, rows, packages=(package,))

    assert contract.record.fields["text"].datatype == "BYTES"
    np.testing.assert_allclose(values(place.answers(rows)), expected, **CLOSE)


def test_an_application_with_its_top(place: Place) -> None:
    model = keras.applications.MobileNetV2(weights=None, input_shape=(32, 32, 3), classes=5)
    pixels = (RNG.random((3, 32, 32, 3)) * 255).astype(np.float32).round(2)
    rows = [{"pixels": image.tolist()} for image in pixels]

    place.bring(place.save(model), rows, labels=["a,b,c,d,e"])

    scores = [answer["score"] for answer in place.answers(rows)]
    np.testing.assert_allclose(scores, model.predict(pixels, verbose=0).max(axis=1), **CLOSE)


def test_a_saved_model_answers_by_its_signature(place: Place) -> None:
    model = functional()
    model.export(place.folder / "exported", verbose=False)

    contract = place.bring(place.folder / "exported", ROWS)

    assert contract.provenance["format"] == "SavedModel"
    np.testing.assert_allclose(values(place.answers(ROWS)), model.predict(NUMBERS, verbose=0), **CLOSE)


def test_a_saved_model_has_its_inputs_and_outputs_by_name(place: Place) -> None:
    model = several_inputs()
    model.export(place.folder / "exported", verbose=False)
    a, b = NUMBERS[:, :2], RNG.integers(0, 20, (6, 3)).astype(np.int32)
    rows = [{"a": pair.tolist(), "b": ids.tolist()} for pair, ids in zip(a, b, strict=True)]

    contract = place.bring(place.folder / "exported", rows)
    answers = place.answers(rows)

    assert list(contract.record.fields) == ["a", "b"]
    size, mood = model.predict([a, b], verbose=0)
    by_kind = {head.kind: name for name, head in contract.answers.heads.items()}
    np.testing.assert_allclose([answer[by_kind["value"]]["value"] for answer in answers], size[:, 0], **CLOSE)
    np.testing.assert_allclose([answer[by_kind["vector"]]["vector"] for answer in answers], mood, **CLOSE)


def test_a_saved_model_with_a_lookup_table(place: Place) -> None:
    text = keras.Input((1,), dtype="string", name="text")
    model = keras.Model(text, layers.Dense(1)(layers.StringLookup(vocabulary=["a", "b"], output_mode="one_hot")(text)))
    model.export(place.folder / "exported", verbose=False)
    rows = [{"text": text} for text in ("a", "b", "zebra")]

    place.bring(place.folder / "exported", rows)

    expected = model.predict(tf.constant([["a"], ["b"], ["zebra"]]), verbose=0)
    np.testing.assert_allclose(values(place.answers(rows)), expected, **CLOSE)
