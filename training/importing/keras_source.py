"""A Keras model of any make, functional, Sequential or a subclass, as a source."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from serving.contract import Features, TensorSpec
from serving.contract.arrays import Array
from training.importing.errors import CannotImport
from training.importing.source import Source, Tensors

_ROWS = 32
_ONLY = "scores"


def of_model(path: Path, model: keras.Model, facts: Mapping[str, Any], names: Sequence[str] | None = None) -> Source:
    """Return the source of a loaded or rebuilt *model*, whose inputs are called *names*, by default as it tells them.

    Raises CannotImport for inputs that nobody tells.
    """
    structure = _input_structure(path, model)
    names = names or _names(structure, _input_name)
    inputs = {name: _spec(path, name, each) for name, each in zip(names, keras.tree.flatten(structure), strict=True)}
    model.jit_compile = False  # XLA would compute other last digits than what is served

    def arranged(features: Mapping[str, Any]) -> Any:
        return keras.tree.pack_sequence_as(structure, [features[name] for name in names])

    def call(features: Tensors) -> Tensors:
        return _by_name(model, model(arranged(features), training=False))

    def predict(features: Features) -> Mapping[str, Array]:
        tensors = {name: tf.constant(array) for name, array in features.items()}
        rows = tf.data.Dataset.from_tensor_slices((_tuples(arranged(tensors)),)).batch(_ROWS)
        return _by_name(model, model.predict(rows, verbose=0))

    known = {**facts, "weights_sha256": _weights_sha256(model)}
    return Source(inputs, call, predict, (model,), known, model, has_types=is_symbolic(model))


def _input_structure(path: Path, model: keras.Model) -> Any:
    """Return the model's inputs, nested as it takes them; of a subclass, what it was built with."""
    if is_symbolic(model):
        return model.inputs[0] if isinstance(model, keras.Sequential) else model.input
    shapes = model.get_build_config() or {}
    shapes = shapes.get("input_shape", shapes.get("shapes_dict", shapes))
    if not model.built or not shapes:
        raise CannotImport(
            f"{path}: the model does not tell the shape of its inputs: call it once with data before saving it, or "
            "export it with model.export('folder') and import that folder"
        )
    return _built_inputs(shapes)


def is_symbolic(model: keras.Model) -> bool:
    """Return whether *model* is a graph of layers, as functional and Sequential models are."""
    try:
        return bool(model.inputs)
    except (AttributeError, ValueError):  # only functional models have them
        return False


def _built_inputs(shapes: Any) -> Any:
    """Return a placeholder for each of *shapes*; they don't tell the type, so rows of numbers count as float32."""
    if isinstance(shapes, dict):
        return {name.removesuffix("_shape"): _built_inputs(shape) for name, shape in shapes.items()}
    if all(size is None or isinstance(size, int) for size in shapes):
        return keras.KerasTensor((None, *shapes[1:]), dtype="float32", name="inputs")
    return [_built_inputs(shape) for shape in shapes]


def _spec(path: Path, name: str, tensor: Any) -> TensorSpec:
    dtype = keras.backend.standardize_dtype(tensor.dtype)
    if tensor.shape is None or getattr(tensor, "sparse", False):
        raise CannotImport(f"{path}: input '{name}': expected a dense tensor of a known number of axes, got another")
    if tensor.shape[0] is not None:
        raise CannotImport(
            f"{path}: input '{name}': expected a batch of any size, got one of {tensor.shape[0]}: build the model with "
            "shape instead of batch_shape, load its weights, and save it again"
        )
    return TensorSpec(dtype, (None, *tensor.shape[1:]))


def _input_name(path: Sequence[Any], tensor: Any, number: int) -> str:
    if keyed := [str(key) for key in path if not isinstance(key, int)]:
        return "_".join(keyed)
    history = getattr(tensor, "_keras_history", None)
    return history.operation.name if history else "inputs" if number == 0 else f"inputs_{number}"


def _names(structure: Any, name_of: Any) -> list[str]:
    """Return a name for each tensor of *structure*, all distinct."""
    paths = keras.tree.flatten_with_path(structure)
    names = [name_of(path, tensor, number) for number, (path, tensor) in enumerate(paths)]
    return [name if names.count(name) == 1 else f"{name}_{number}" for number, name in enumerate(names)]


def _by_name(model: keras.Model, outputs: Any) -> dict[str, Any]:
    """Return *outputs*, however nested, by name: those of an only one is the usual name."""
    flat = keras.tree.flatten(outputs)
    if len(flat) == 1:
        return {_ONLY: flat[0]}
    symbolic = model.outputs if is_symbolic(model) else flat

    def name_of(path: Sequence[Any], tensor: Any, number: int) -> str:
        if keyed := [str(key) for key in path if not isinstance(key, int)]:
            return "_".join(keyed)
        history = getattr(symbolic[number], "_keras_history", None)
        return str(history.operation.name) if history else f"output_{number}"

    return dict(zip(_names(outputs, name_of), flat, strict=True))


def _tuples(structure: Any) -> Any:
    """Return lists as tuples: `tf.data` would make one tensor of a list."""
    if isinstance(structure, dict):
        return {name: _tuples(each) for name, each in structure.items()}
    return tuple(map(_tuples, structure)) if isinstance(structure, list | tuple) else structure


def _weights_sha256(model: keras.Model) -> str:
    digest = hashlib.sha256()
    for weight in model.weights:
        digest.update(np.asarray(keras.ops.convert_to_numpy(weight)).tobytes())
    return digest.hexdigest()
