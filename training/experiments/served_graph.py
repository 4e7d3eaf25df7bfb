"""The graph that is served. Every score that training records of a model is computed by it, and by nothing else.

Eagerly, or with XLA, the same weights yield other scores: they differ in the last digits in float32, and by hundredths
in lower precisions.
"""

from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from serving.contract.answers import SCORES, Outputs
from serving.contract.arrays import Features, TensorSpec
from training.fitting.epochs import scored_rows
from training.networks.lite import has_row_by_row, traced_for_lite


def served_graph(model: keras.Model, inputs: Mapping[str, TensorSpec]) -> Any:
    """Return the graph from the features that *inputs* specifies to outputs: without XLA, in inference mode.

    The output of a model that has one is called SCORES.
    """

    def serve(features: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        return _named(model(features, training=False))

    return tf.function(serve, input_signature=[_specs(inputs)], autograph=False)


def lite_graph(model: keras.Model, inputs: Mapping[str, TensorSpec]) -> Any:
    """Return the same graph as `served_graph`, but of operations that LiteRT has, where layers know how.

    It is for conversion: TensorFlow computes the same with it, but slower.
    """

    def compute(features: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        with traced_for_lite():
            return _named(model(features, training=False))

    def compute_row(features: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        outputs = compute({name: tf.expand_dims(row, 0) for name, row in features.items()})
        return {name: tf.squeeze(scores, 0) for name, scores in outputs.items()}

    def compute_rows(features: dict[str, tf.Tensor]) -> Any:
        row = {name: tf.TensorSpec(scores.shape[1:], scores.dtype) for name, scores in _named(model.output).items()}
        return tf.map_fn(compute_row, features, fn_output_signature=row)

    serve = compute_rows if has_row_by_row(model) else compute
    return tf.function(serve, input_signature=[_specs(inputs)], autograph=False)


def _specs(inputs: Mapping[str, TensorSpec]) -> dict[str, tf.TensorSpec]:
    return {name: tf.TensorSpec(spec.shape, spec.dtype, name=name) for name, spec in inputs.items()}


def _named(outputs: Any) -> dict[str, Any]:
    return outputs if isinstance(outputs, dict) else {SCORES: outputs}


def outputs_of(graph: Callable[[dict[str, tf.Tensor]], Mapping[str, Any]], features: Features) -> Outputs:
    """Return the outputs for *features*, computed in batches: `float32[n, width]` each."""
    count, size = len(next(iter(features.values()))), scored_rows(features)
    batches = [
        graph({name: tf.constant(array[start : start + size]) for name, array in features.items()})
        for start in range(0, count, size)
    ]
    return {name: np.concatenate([np.asarray(batch[name], np.float32) for batch in batches]) for name in batches[0]}
