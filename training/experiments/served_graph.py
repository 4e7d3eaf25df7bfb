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
    specs = {name: tf.TensorSpec(spec.shape, spec.dtype, name=name) for name, spec in inputs.items()}

    def serve(features: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        outputs = model(features, training=False)
        return outputs if isinstance(outputs, dict) else {SCORES: outputs}

    return tf.function(serve, input_signature=[specs], autograph=False)


def lite_graph(model: keras.Model, inputs: Mapping[str, TensorSpec]) -> Any:
    """Return the same graph as `served_graph`, of operations that LiteRT has where layers know how.

    It is for conversion: TensorFlow computes the same with it, but slower.
    """
    specs = {name: tf.TensorSpec(spec.shape, spec.dtype, name=name) for name, spec in inputs.items()}

    def compute(features: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        with traced_for_lite():
            outputs = model(features, training=False)
        return outputs if isinstance(outputs, dict) else {SCORES: outputs}

    def compute_row(features: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        outputs = compute({name: tf.expand_dims(row, 0) for name, row in features.items()})
        return {name: tf.squeeze(scores, 0) for name, scores in outputs.items()}

    def serve(features: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        if not has_row_by_row(model):
            return compute(features)
        named = model.output if isinstance(model.output, dict) else {SCORES: model.output}
        row = {name: tf.TensorSpec(output.shape[1:], output.dtype) for name, output in named.items()}
        rows: dict[str, tf.Tensor] = tf.map_fn(compute_row, features, fn_output_signature=row)
        return rows

    return tf.function(serve, input_signature=[specs], autograph=False)


def outputs_of(graph: Callable[[dict[str, tf.Tensor]], Mapping[str, Any]], features: Features) -> Outputs:
    """Return the outputs for *features*, computed in batches: `float32[n, width]` each."""
    count, size = len(next(iter(features.values()))), scored_rows(features)
    batches = [
        graph({name: tf.constant(array[start : start + size]) for name, array in features.items()})
        for start in range(0, count, size)
    ]
    return {name: np.concatenate([np.asarray(batch[name], np.float32) for batch in batches]) for name in batches[0]}
