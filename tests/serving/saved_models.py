"""SavedModels that compute the stand-in of `contracts.scores`: a contract and no training, but the real runtime."""

from pathlib import Path
from typing import Any

import tensorflow as tf

from serving.contract import Contract
from serving.registry.versions import CONTRACT


def write_saved_model(folder: Path, contract: Contract, document: str, weights: int = 0) -> None:
    """Write a SavedModel that carries *document*, the JSON of *contract*, and computes `every_kind.outputs`."""
    specs = contract.record.specs.items()
    named = {name: tf.TensorSpec(spec.shape, tf.as_dtype(spec.dtype), name=name) for name, spec in specs}

    @tf.function(input_signature=[named])
    def serve(features: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        flat = tf.concat([_numbers(features[name]) for name in sorted(features)], axis=1)
        outputs = contract.answers.specs.items()
        return {
            name: tf.identity(_scores(flat, spec.shape[1] or 0, weights + 7 * place), name=name)
            for place, (name, spec) in enumerate(outputs)
        }

    @tf.function(input_signature=[tf.TensorSpec([None], tf.int32, name="request")])
    def carried(request: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"contract": tf.fill(tf.shape(request), document)}

    tf.saved_model.save(tf.Module(), str(folder), {"serving_default": serve, "contract": carried})
    (folder / CONTRACT).parent.mkdir()
    (folder / CONTRACT).write_text(document, "utf-8")


def _numbers(tensor: tf.Tensor) -> tf.Tensor:
    return tf.reshape(tf.cast(tensor, tf.float64), [tf.shape(tensor)[0], -1])


def _scores(flat: tf.Tensor, width: int, weights: int) -> Any:
    sums = tf.linalg.matvec(flat, tf.cast(tf.range(1, tf.shape(flat)[1] + 1), tf.float64))
    places = tf.cast(tf.range(width), tf.float64)
    raw = tf.math.floormod(sums[:, None] * 0.37 + places * 0.61 + weights * 0.13, 1) + 0.01
    return tf.cast(raw / tf.reduce_sum(raw, axis=1, keepdims=True) if width > 1 else raw / 1.02, tf.float32)
