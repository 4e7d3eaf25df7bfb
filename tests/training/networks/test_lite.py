import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.training.networks.lite_form import lite_form, lite_runner, specs_of
from training.experiments.served_graph import lite_graph, served_graph
from training.networks.dense import BagOfWords
from training.networks.lite import is_traced_for_lite, traced_for_lite, unpadded
from training.networks.multi_hot import MultiHot, MultiHotDense
from training.networks.ngrams import NGramBag
from training.networks.tfidf import TfIdfEnsemble
from training.problem_types import BINARY, MULTICLASS
from training.task import Fold

WORDS, LENGTH = 40, 12
RNG = np.random.default_rng(0)
ONCE = {"num_words": WORDS, "length": LENGTH, "batch_size": 16}


def texts():
    """64 texts: of padding only, of one word, of one word repeated, as long as can be, and any others."""
    ids = RNG.integers(1, WORDS, (64, LENGTH)).astype(np.int32)
    ids *= np.arange(LENGTH) < RNG.integers(0, LENGTH + 1, (64, 1))
    ids[:6] = 0
    ids[1, 0] = ids[2] = WORDS - 1
    ids[3, :5] = [1, 7, 8, 7, 8]
    ids[4] = np.arange(1, LENGTH + 1)
    ids[5, [0, 3]] = 9  # padding between words, of which no text has any
    return ids


TEXTS = texts()


@pytest.fixture(
    scope="module",
    params=[
        (BagOfWords(units=(8, 4), epochs=2, **ONCE), BINARY, 1),
        (BagOfWords(units=(), epochs=2, **ONCE), MULTICLASS, 5),
        (NGramBag(buckets=64, least=1, epochs=2, **ONCE), BINARY, 1),
        (NGramBag(buckets=64, least=1, orders=1, epochs=2, **ONCE), MULTICLASS, 5),
        (TfIdfEnsemble(members=2, units=4, epochs=2, **ONCE), MULTICLASS, 5),
    ],
    ids=["bag of words", "linear bag of words", "n-grams", "words", "tf-idf"],
)
def model(request):
    recipe, problem, width = request.param
    keras.utils.set_random_seed(1)
    targets = np.arange(len(TEXTS)) % max(2, width)
    return recipe.train(problem, width, Fold({"ids": TEXTS}, targets, None)).model


@pytest.fixture(scope="module")
def scores(model):
    return served_graph(model, specs_of(model))({"ids": tf.constant(TEXTS)})["scores"].numpy()


@pytest.fixture(scope="module")
def form(model, tmp_path_factory):
    return lite_form(model, tmp_path_factory.mktemp("for_lite"))


def test_the_graph_for_lite_rt_computes_what_the_served_one_does(model, scores):
    computed = lite_graph(model, specs_of(model))({"ids": tf.constant(TEXTS)})["scores"].numpy()

    assert computed == pytest.approx(scores, abs=1e-6)


def test_lite_rt_computes_any_number_of_texts_one_after_the_other(form, scores):
    compute = lite_runner(form)

    for rows in (slice(0, 1), slice(0, 64), slice(1, 2), slice(2, 5), slice(5, 6), slice(3, 64), slice(0, 3)):
        assert compute(ids=TEXTS[rows])["scores"] == pytest.approx(scores[rows], abs=1e-5)


def test_a_table_of_weights_is_in_the_file_once(model, form):
    assert len(form) < 4 * model.count_params() + 60_000


def test_a_multi_hot_dense_layer_is_a_dense_layer_over_the_multi_hot():
    keras.utils.set_random_seed(3)
    layer = MultiHotDense(WORDS, 6, "relu")
    got = layer(TEXTS)
    keras.utils.set_random_seed(3)
    plain = keras.layers.Dense(6, "relu")
    expected = plain(MultiHot(WORDS)(TEXTS))

    assert [weight.shape for weight in layer.weights] == [weight.shape for weight in plain.weights]
    assert np.array_equal(got, expected)


def test_a_layer_knows_that_a_graph_is_traced_for_lite_rt_only_while_it_is():
    with traced_for_lite():
        assert is_traced_for_lite()

    assert not is_traced_for_lite()


def test_padding_at_the_end_is_cut_off():
    ids = np.array([[1, 0, 2, 0, 0], [3, 0, 0, 0, 0]], np.int32)

    assert np.asarray(unpadded(ids)).tolist() == [[1, 0, 2], [3, 0, 0]]
    assert unpadded(np.zeros((1, 4), np.int32)).shape == (1, 1)
    assert unpadded(ids, least=4).shape == (2, 4)
