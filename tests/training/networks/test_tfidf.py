import keras
import numpy as np
import pytest

from training.networks.tfidf import TfIdfEnsemble
from training.networks.tfidf_dense import NORM, TfIdfDense, side_by_side
from training.problem_types import MULTICLASS
from training.task import Fold

TEXTS = np.array([[1, 4, 4, 5, 0], [1, 6, 0, 0, 0], [1, 4, 6, 7, 0], [0, 0, 0, 0, 0]], np.int32)


def weights(texts, seen, words):
    """Tf-idf as the books have it, word by word."""
    counts = np.array([[(row == word).sum() for word in range(words)] for row in texts])
    texts_with = np.array([sum(word in row for row in seen) for word in range(words)])
    rarity = 1 + np.log((1 + len(seen)) / (1 + texts_with))
    weighed = np.log1p(counts) * rarity
    weighed[:, 0] = 0
    return NORM * weighed / np.maximum(np.linalg.norm(weighed, axis=1, keepdims=True), 1e-9)


def test_a_text_is_the_sum_of_its_words_by_their_weights():
    layer = TfIdfDense(8, 3)
    layer.build((None, 5))
    layer.adapt(TEXTS[:3])
    expected = weights(TEXTS, TEXTS[:3], 8) @ layer.kernel.numpy()

    assert layer(TEXTS).numpy() == pytest.approx(expected, abs=1e-5)


def test_padding_and_the_order_of_words_change_nothing():
    layer = TfIdfDense(8, 3)
    layer.build((None, 5))
    layer.adapt(TEXTS)
    short, long = layer(TEXTS[:1, :4]).numpy(), layer(np.array([[5, 4, 1, 4, 0, 0, 0]], np.int32)).numpy()

    assert short == pytest.approx(long, abs=1e-6)


def test_words_are_left_out_while_training_only():
    layer = TfIdfDense(8, 3, dropout=0.5)

    assert np.array_equal(layer(TEXTS), layer(TEXTS))
    assert not np.array_equal(layer(TEXTS, training=True), layer(TEXTS))


def test_topics_are_learnt_and_the_words_that_training_never_saw_do_no_harm():
    keras.utils.set_random_seed(1)
    targets = np.array([0, 1, 2, 1] * 8)
    texts = np.stack([[1, 4 + target, 4 + target, 0] for target in targets]).astype(np.int32)
    features = {"ids": texts}
    recipe = TfIdfEnsemble(num_words=9, length=4, members=2, units=16, rate=1e-2, epochs=20, batch_size=8)
    trained = recipe.train(MULTICLASS, 3, Fold(features, targets, (features, targets)))

    assert trained.curves.keys() == {"training", "linear"}
    for curves in trained.curves.values():
        assert curves.keys() == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert MULTICLASS.measure(targets, trained.model.predict(features, verbose=0)) == 1
    unseen = trained.model.predict({"ids": np.array([[1, 5, 8, 8]], np.int32)}, verbose=0)
    assert unseen.sum() == pytest.approx(1, abs=1e-5)


def test_layers_side_by_side_compute_what_each_does():
    layers = [TfIdfDense(8, 3), TfIdfDense(8, 2)]
    for layer in layers:
        layer.build((None, 5))
        layer.adapt(TEXTS)
        layer.bias.assign(keras.ops.arange(layer.units, dtype="float32"))

    assert side_by_side(*layers)(TEXTS).numpy() == pytest.approx(
        np.hstack([layer(TEXTS) for layer in layers]), abs=1e-6
    )


def test_a_linear_classifier_alone_learns_topics_if_its_margins_decide():
    keras.utils.set_random_seed(1)
    targets = np.array([0, 1, 2, 1] * 8)
    features = {"ids": np.stack([[1, 4 + target, 4 + target, 0] for target in targets]).astype(np.int32)}
    linear = {"margins": 100.0, "linear_epochs": 20, "linear_rate": 0.1}
    recipe = TfIdfEnsemble(num_words=9, length=4, members=1, units=1, epochs=1, batch_size=8, **linear)
    model = recipe.train(MULTICLASS, 3, Fold(features, targets, None)).model

    assert MULTICLASS.measure(targets, model.predict(features, verbose=0)) == 1


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, [0.6, 0.4]),
        ({"balance": 1.0}, [1 / 3, 2 / 3]),
        ({"temperature": 0.5}, [36 / 52, 16 / 52]),
        ({"margins": 2.0}, [3 / 7, 4 / 7]),  # exp(2 * log(2) / 2) doubles what the second has
    ],
)
def test_what_is_served_joins_scores_and_margins_and_favours_rare_classes_as_certain_as_asked(settings, expected):
    recipe = TfIdfEnsemble(**{"balance": 0.0, "margins": 0.0, "temperature": 1.0} | settings)
    joined = recipe._joined(np.array([[0.6, 0.4]]), np.array([[0.0, np.log(2) / 2]]), np.array([0, 0, 0, 1]))

    assert np.asarray(joined)[0] == pytest.approx(expected, abs=1e-5)
