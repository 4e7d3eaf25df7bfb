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
from training.fitting.epochs import SCORED_ROWS


def served_graph(model: keras.Model, inputs: Mapping[str, TensorSpec]) -> Any:
    """Return the graph from the features that *inputs* specifies to outputs: without XLA, in inference mode.

    The output of a model that has one is called SCORES.
    """
    specs = {name: tf.TensorSpec(spec.shape, spec.dtype, name=name) for name, spec in inputs.items()}

    def serve(features: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        outputs = model(features, training=False)
        return outputs if isinstance(outputs, dict) else {SCORES: outputs}

    return tf.function(serve, input_signature=[specs], autograph=False)


def outputs_of(graph: Callable[[dict[str, tf.Tensor]], Mapping[str, Any]], features: Features) -> Outputs:
    """Return the outputs for *features*, computed in batches: `float32[n, width]` each."""
    count = len(next(iter(features.values())))
    batches = [
        graph({name: tf.constant(array[start : start + SCORED_ROWS]) for name, array in features.items()})
        for start in range(0, count, SCORED_ROWS)
    ]
    return {name: np.concatenate([np.asarray(batch[name], np.float32) for batch in batches]) for name in batches[0]}
