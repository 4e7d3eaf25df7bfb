"""LiteRT as an engine: batches of any size, threads, and what it refuses."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from serving.runtime.errors import ServingError
from serving.runtime.lite import LiteEngine
from serving.tfserving.codes import Code

WEIGHTS = np.arange(12, dtype=np.float32).reshape(4, 3)


@pytest.fixture(scope="module")
def document() -> bytes:
    """The lite form of `scores = x @ WEIGHTS`."""
    import tensorflow as tf

    @tf.function(input_signature=[{"x": tf.TensorSpec([None, 4], name="x")}], autograph=False)
    def serve(features: dict[str, Any]) -> dict[str, Any]:
        return {"scores": features["x"] @ WEIGHTS}

    functions = [serve.get_concrete_function()]
    return bytes(tf.lite.TFLiteConverter.from_concrete_functions(functions, tf.Module()).convert())


def x(rows: int, value: float = 1.0) -> dict[str, Any]:
    return {"x": np.full((rows, 4), value, np.float32)}


def test_batches_of_any_size_are_computed_in_turn(document: bytes) -> None:
    engine = LiteEngine(document)
    for rows in (1, 64, 3, 1, 512):
        scores = engine.compute(x(rows))["scores"]
        np.testing.assert_allclose(scores, np.tile(WEIGHTS.sum(axis=0), (rows, 1)))


def test_an_answer_stays_what_it_was_when_the_next_is_computed(document: bytes) -> None:
    engine = LiteEngine(document)
    first = engine.compute(x(2))["scores"]
    engine.compute(x(2, value=7.0))
    np.testing.assert_allclose(first[0], WEIGHTS.sum(axis=0))


def test_threads_get_their_own_answers(document: bytes) -> None:
    engine = LiteEngine(document)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda value: engine.compute(x(1 + value % 5, float(value)))["scores"], range(400)))
    for value, scores in enumerate(answers):
        np.testing.assert_allclose(scores, np.tile(value * WEIGHTS.sum(axis=0), (1 + value % 5, 1)))


@pytest.mark.parametrize("features", [{}, {"y": np.ones((1, 4), np.float32)}, {"x": np.ones((1, 4), np.int64)}])
def test_features_that_do_not_fit_are_refused_and_the_next_are_computed(document: bytes, features: Any) -> None:
    engine = LiteEngine(document)
    with pytest.raises(ServingError) as refused:
        engine.compute(features)
    assert refused.value.code is Code.INVALID_ARGUMENT
    np.testing.assert_allclose(engine.compute(x(1))["scores"], [WEIGHTS.sum(axis=0)])


def test_what_is_no_model_is_refused(document: bytes) -> None:
    with pytest.raises(ServingError, match="DATA_LOSS: LiteRT can't load it"):
        LiteEngine(document[:200])
