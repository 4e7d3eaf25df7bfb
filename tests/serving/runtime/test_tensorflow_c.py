"""What goes through TensorFlow's C API comes back the same, and nothing of it stays behind."""

import gc
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf.meta_graph_pb2 import MetaGraphDef

from serving.runtime import tensorflow_c
from serving.runtime.tensor_messages import NUMPY_TYPES
from serving.runtime.tensorflow_c import SavedModel, TensorFlowError

STRINGS = np.array([[b"", b"short"], [b"longer than what fits into a TF_TString itself", b"\0\xff"]], object)

Loaded = tuple[SavedModel, bytes]
"""A model and its MetaGraphDef."""


@pytest.fixture(scope="module")
def identity(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with an identity for each type."""
    path = tmp_path_factory.mktemp("identity")
    inputs = {f"x{number}": tf.TensorSpec(None, number, name=f"x{number}") for number in NUMPY_TYPES}
    module = tf.Module()
    module.serve = tf.function(lambda **given: {f"y{name}": tf.identity(it) for name, it in given.items()})
    tf.saved_model.save(module, str(path), signatures=module.serve.get_concrete_function(**inputs))
    return path


@pytest.fixture(scope="module")
def loaded(identity: Path) -> Loaded:
    return SavedModel.load(identity, "serve", b"", b"")


def run(loaded: Loaded, number: int, array: np.ndarray) -> np.ndarray:
    """Send *array* through the identity for its type, and something through the others."""
    model, meta_graph = loaded
    signature = MetaGraphDef.FromString(meta_graph).signature_def["serving_default"]
    arrays = {other: np.full(1, b"" if dtype.hasobject else 0, dtype) for other, dtype in NUMPY_TYPES.items()}
    arrays[number] = array
    feeds = model.outputs([signature.inputs[f"x{other}"].name for other in arrays])
    (got,) = model.run(feeds, model.outputs([signature.outputs[f"yx{number}"].name]), list(arrays.values()))
    return got


@pytest.mark.parametrize("number", NUMPY_TYPES)
@pytest.mark.parametrize("shape", [(), (3,), (2, 1, 3), (0, 4)], ids=str)
def test_each_type_and_shape_comes_back(loaded: Loaded, number: int, shape: tuple[int, ...]) -> None:
    dtype = NUMPY_TYPES[number]
    given = np.resize(STRINGS if dtype.hasobject else np.arange(5) % 2, shape).astype(dtype)
    got = run(loaded, number, given)
    assert got.dtype == dtype
    assert got.shape == shape
    assert got.tolist() == given.tolist()


def test_an_array_may_lie_in_memory_as_it_likes(loaded: Loaded) -> None:
    given = np.arange(12, dtype=np.float32).reshape(3, 4).T[:, ::2]
    assert run(loaded, 1, given).tolist() == given.tolist()


def test_strings_are_given_back_to_the_system(loaded: Loaded) -> None:
    assert run(loaded, 7, STRINGS).tolist() == STRINGS.tolist()
    assert not tensorflow_c._strings


def test_what_is_computed_outlives_the_model(identity: Path) -> None:
    loaded = SavedModel.load(identity, "serve", b"", b"")
    got = run(loaded, 7, STRINGS)
    del loaded
    gc.collect()
    assert got.tolist() == STRINGS.tolist()


@pytest.mark.parametrize("name", ["nothing:0", "serving_default_x1:7", "serving_default_x1:-1"])
def test_an_output_that_is_not_there_is_named(loaded: Loaded, name: str) -> None:
    with pytest.raises(TensorFlowError, match=name):
        loaded[0].outputs([name])


def test_a_model_that_can_not_be_loaded_says_why(tmp_path: Path) -> None:
    with pytest.raises(TensorFlowError, match="Could not find SavedModel"):
        SavedModel.load(tmp_path, "serve", b"", b"")
    with pytest.raises(TensorFlowError, match="ConfigProto"):
        SavedModel.load(tmp_path, "serve", b"\xff", b"")
