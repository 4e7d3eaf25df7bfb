"""`.h5` files as Keras 2 wrote them: here Keras 3 writes them, and what Keras 2 called otherwise is put back."""

import json
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest
from keras import layers

from tests.training.importing.models import Place, numbers
from training.importing.errors import CannotImport

pytestmark = pytest.mark.filterwarnings(
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"  # Keras, saving a model
)
RNG = np.random.default_rng(7)


def recurrent() -> keras.Model:
    return keras.Sequential([keras.Input((5, 3)), layers.LSTM(4), layers.Dense(1)])


def convolutional() -> keras.Model:
    return keras.Sequential([keras.Input((6, 6, 2)), layers.DepthwiseConv2D(3), layers.Flatten(), layers.Dense(1)])


def with_policies() -> keras.Model:
    dense = layers.Dense(5, dtype="mixed_float16")
    return keras.Sequential([keras.Input((4,)), dense, layers.Dense(1, dtype="float32")])


def nested() -> keras.Model:
    inner = keras.Sequential([keras.Input((4,)), layers.Dense(4, activation="relu")], name="inner")
    x = keras.Input((4,))
    return keras.Model(x, layers.Dense(1)(layers.Add()([inner(x), inner(layers.Dense(4)(x))])))


def as_keras_2(state: Any) -> Any:
    """Return a description as Keras 2 has it."""
    if isinstance(state, list):
        if len(state) == 4 and state[0] == "inner":
            return [state[0], state[1] + 1, *state[2:]]
        return [as_keras_2(each) for each in state]
    if not isinstance(state, dict):
        return state
    state = {key: as_keras_2(each) for key, each in state.items()}
    config = state.get("config")
    if state.get("class_name") == "LSTM":
        config["time_major"] = False
    if state.get("class_name") == "DepthwiseConv2D":
        config["groups"] = 1
    if isinstance(config, dict) and isinstance(dtype := config.get("dtype"), dict):
        config["dtype"] = {
            "module": "keras.mixed_precision",
            "class_name": "Policy",
            "config": {"name": dtype["config"]["name"]},
            "registered_name": None,
        }
    return state


def saved(model: keras.Model, place: Place) -> Path:
    path = place.save(model, "model.h5")
    with h5py.File(path, "r+") as file:
        config = as_keras_2(json.loads(file.attrs["model_config"]))
        file.attrs["model_config"] = json.dumps(config)
        file.attrs["keras_version"] = "2.15.0"
    return path


@pytest.mark.parametrize("make", [recurrent, convolutional, with_policies, nested])
def test_what_keras_2_called_otherwise_is_read(make: Any, place: Place) -> None:
    model = make()
    inputs = RNG.normal(size=(4, *model.inputs[0].shape[1:])).astype(np.float32)
    rows = [{"x": row.tolist()} for row in inputs]
    path = saved(model, place)
    before = path.read_bytes()

    contract = place.bring(path, rows)

    assert contract.provenance["keras_version"] == "2.15.0"
    assert path.read_bytes() == before
    got = [numbers(answer) for answer in place.answers(rows)]
    np.testing.assert_allclose(got, model.predict(inputs, verbose=0), rtol=1e-3, atol=1e-3)


def test_what_only_keras_2_has_is_refused_with_the_way_out(place: Place) -> None:
    path = saved(recurrent(), place)
    with h5py.File(path, "r+") as file:
        file.attrs["model_config"] = file.attrs["model_config"].replace('"LSTM"', '"TFOpLambda"')

    with pytest.raises(CannotImport, match=r"saved with Keras 2.15.0 \(Unknown layer: 'TFOpLambda'.*as a SavedModel"):
        place.bring(path, [{"x": [[0, 0, 0]] * 5}])


def test_a_vocabulary_that_the_file_lost_is_told(place: Place) -> None:
    words = layers.TextVectorization(output_sequence_length=3)
    words.adapt(["a good film"])
    text = keras.Input((1,), dtype="string")
    model = keras.Model(text, layers.Dense(1)(layers.Flatten()(layers.Embedding(9, 2)(words(text)))))

    with pytest.raises(CannotImport, match=r"has lost the vocabulary that it adapted to, which \.h5 files don't keep"):
        place.bring(place.save(model, "model.h5"), [{"text": "good"}])
