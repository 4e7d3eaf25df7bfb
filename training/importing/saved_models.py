"""A SavedModel of any maker as a source, by its signature."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from serving.contract import Features, TensorSpec
from serving.contract.arrays import Array
from training.importing.errors import CannotImport, first_line
from training.importing.operations import check_operations
from training.importing.source import Source, Tensors

_DEFAULT = "serving_default"
_ONLY = "scores"
_ROWS = 32


def load_saved_model(folder: Path) -> Source:
    """Load the SavedModel in *folder*. Raises CannotImport."""
    try:
        loaded = tf.saved_model.load(str(folder))
    except Exception as error:  # TensorFlow may raise anything, and the files may be anyone's
        raise CannotImport(
            f"{folder}: expected a SavedModel, got a folder that TensorFlow {tf.__version__} can't load "
            f"({first_line(error)}): export the model again"
        ) from error
    signature = _signature(folder, loaded.signatures)
    check_operations(folder, signature)
    taken = sorted(signature.structured_input_signature[1].items())  # the file has them in no order
    inputs = {name: _spec(folder, name, spec) for name, spec in taken}

    def call(features: Tensors) -> Tensors:
        outputs = signature(**features)
        return {_ONLY: next(iter(outputs.values()))} if len(outputs) == 1 else dict(sorted(outputs.items()))

    def predict(features: Features) -> Mapping[str, Array]:
        count = len(next(iter(features.values())))
        pieces = [
            call({name: tf.constant(array[start : start + _ROWS]) for name, array in features.items()})
            for start in range(0, count, _ROWS)
        ]
        return {name: np.concatenate([piece[name].numpy() for piece in pieces]) for name in pieces[0]}

    facts = {"format": "SavedModel", "tensorflow_version": getattr(loaded, "tensorflow_version", None)}
    return Source(inputs, call, predict, (loaded,), facts)


def _signature(folder: Path, signatures: Mapping[str, Any]) -> Any:
    names = [*signatures]
    if _DEFAULT in names:
        return signatures[_DEFAULT]
    if len(names) == 1:
        return signatures[names[0]]
    came = f"those called {', '.join(names)}" if names else "none"
    raise CannotImport(
        f"{folder}: expected a signature called '{_DEFAULT}', or a single one, got {came}: export the model with "
        "model.export('folder'), or tf.saved_model.save with signatures"
    )


def _spec(folder: Path, name: str, spec: Any) -> TensorSpec:
    if not isinstance(spec, tf.TensorSpec) or spec.shape.rank is None:
        raise CannotImport(
            f"{folder}: input '{name}': expected a dense tensor of a known number of axes, got {spec}: export the "
            "model with an input_signature of tf.TensorSpec"
        )
    if spec.shape.rank == 0 or spec.shape[0] is not None:
        raise CannotImport(
            f"{folder}: input '{name}': expected a first axis of any size, for rows, got {spec.shape}: export the "
            "model with an input_signature whose first axis is None"
        )
    return TensorSpec(spec.dtype.name, tuple(spec.shape.as_list()))
