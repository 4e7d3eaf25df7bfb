"""The graph that is served of an imported model: features of a record -> the outputs that its heads read."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from serving.contract import Features, TensorSpec
from serving.contract.arrays import Array
from training.importing.fields import Packing
from training.importing.heads import Taken
from training.importing.source import Source


def graph_of(source: Source, packing: Packing, taken: Mapping[str, Taken]) -> Any:
    """Return a `tf.function` of the record's features, by the names of its inputs, to `float32[n, width]` each."""
    specs = {name: tf.TensorSpec(it.shape, it.dtype, name=name) for name, it in packing.record.specs.items()}

    def serve(features: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        outputs = source.call(_arranged(source, packing, features, _shaped))
        return {name: _read(outputs[name], each) for name, each in taken.items()}

    return tf.function(serve, input_signature=[specs], autograph=False)


def originals_inputs(source: Source, packing: Packing, features: Features) -> Features:
    """Return *features* as the original takes them."""
    return _arranged(source, packing, features, _shaped_array)


def as_read(outputs: Mapping[str, Array], taken: Mapping[str, Taken]) -> dict[str, Array]:
    """Return the original's outputs as the heads read them: `float32[n, width]` each."""
    return {
        name: outputs[name].reshape(len(outputs[name]), -1)[:, each.first :].astype(np.float32)
        for name, each in taken.items()
    }


def _arranged(
    source: Source, packing: Packing, features: Mapping[str, Any], shaped: Callable[[Any, TensorSpec], Any]
) -> dict[str, Any]:
    return {name: shaped(features[tensor], source.inputs[name]) for tensor, name in packing.tensors.items()}


def _shaped(tensor: tf.Tensor, spec: TensorSpec) -> tf.Tensor:
    if tensor.dtype.name != spec.dtype:
        tensor = tf.cast(tensor, spec.dtype)
    if _fits(tuple(tensor.shape[1:]), spec):
        return tensor
    return tf.reshape(tensor, [tf.shape(tensor)[0], *_target(tuple(tensor.shape[1:]), spec)])


def _shaped_array(array: Array, spec: TensorSpec) -> Array:
    array = array.astype(spec.numpy)
    return array if _fits(array.shape[1:], spec) else array.reshape(len(array), *_target(array.shape[1:], spec))


def _fits(shape: tuple[int, ...], spec: TensorSpec) -> bool:
    wanted = spec.shape[1:]
    return len(shape) == len(wanted) and all(want in (None, got) for got, want in zip(shape, wanted, strict=True))


def _target(shape: tuple[int, ...], spec: TensorSpec) -> list[int]:
    """Return the sizes of the model's input; an only one that may be any is what remains of *shape*."""
    return [-1 if size is None else size for size in spec.shape[1:]]


def _read(output: tf.Tensor, taken: Taken) -> tf.Tensor:
    flat = tf.reshape(
        tf.cast(output, tf.float32), [tf.shape(output)[0], (taken.head.output.shape[1] or 0) + taken.first]
    )
    return flat[:, taken.first :] if taken.first else flat
