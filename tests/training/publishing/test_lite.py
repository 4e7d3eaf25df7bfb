"""The lite form: which graphs get one, and why others don't."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from serving.contract import Answers, Features
from serving.contract.heads import Value
from serving.runtime.lite import LiteEngine
from training.publishing.lite import Lite, Original, lite_of, pieces_of

ANSWERS = Answers({"": Value("m")}, {"": "scores"})


def graph_of(compute: Callable[[Any], Any]) -> Any:
    def serve(features: dict[str, Any]) -> dict[str, Any]:
        return {"scores": compute(features["x"])}

    return tf.function(serve, input_signature=[{"x": tf.TensorSpec([None, 4], name="x")}], autograph=False)


def rows(count: int, scale: float = 1.0) -> Features:
    return {"x": np.random.default_rng(1).normal(0, scale, (count, 4)).astype(np.float32)}


def original(graph: Any, tolerance: float = 1e-3) -> Original:
    return Original(graph, graph, ANSWERS, tolerance)


def lite(compute: Callable[[Any], Any], features: Features) -> Lite:
    return lite_of(original(graph_of(compute)), pieces_of(features))


def test_a_graph_that_computes_the_same_gets_one_and_the_facts_say_how_nearly():
    weights = tf.Variable(np.linspace(-1, 1, 4, dtype=np.float32)[:, None])
    made = lite(lambda x: x @ weights, rows(150))
    assert made.document
    assert made.facts["rows"] == 150
    assert 0 <= made.facts["largest_difference"] < 1e-5
    (outputs,) = [LiteEngine(made.document).compute({"x": np.ones((2, 4), np.float32)})["scores"]]
    np.testing.assert_allclose(outputs, [[0], [0]], atol=1e-6)


@pytest.mark.parametrize("count", [1, 2, 64, 65, 66])
def test_one_row_is_asked_alone_and_all_the_others_once(count: int):
    pieces = [piece["x"] for piece in pieces_of(rows(count))]
    assert len(pieces[0]) == 1
    np.testing.assert_array_equal(np.concatenate(pieces), rows(count)["x"])


def test_an_operation_that_litert_lacks_is_named():
    made = lite(lambda x: tf.math.bincount(tf.cast(x, tf.int32), axis=-1, dtype=tf.float32)[:, :1], rows(2))
    assert made.document is None
    assert "LiteRT has no operation for DenseBincount" in made.facts["left_out"]


def test_a_graph_that_litert_computes_otherwise_gets_none():
    # exp(200) is infinite in float32, and LiteRT's softplus goes by it: to infinity, or to 88 on other processors.
    made = lite(lambda x: tf.math.softplus(tf.reduce_max(x, axis=1, keepdims=True)), rows(10, scale=200))
    assert made.document is None
    assert re.fullmatch(r"its scores are off by (inf|\d+), and may be by 0\.001", made.facts["left_out"])


def test_scores_beyond_the_tolerance_leave_it_out():
    weights = tf.Variable(np.random.default_rng(2).normal(size=(4, 4096)).astype(np.float32))
    graph = graph_of(
        lambda x: tf.reduce_sum(tf.math.exp(x @ weights), axis=1, keepdims=True)
    )  # summed in another order
    made = lite_of(original(graph, tolerance=0.0), pieces_of(rows(64)))
    assert made.document is None
    assert made.facts["left_out"].startswith("its scores are off by ")
    assert made.told.startswith("no lite form, TensorFlow computes it: its scores are off by ")
