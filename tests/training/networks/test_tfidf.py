import keras
import numpy as np
import pytest

from training.networks.tfidf import NORM, TfIdfDense, TfIdfEnsemble
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

    assert trained.curves["training"].keys() == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert MULTICLASS.measure(targets, trained.model.predict(features, verbose=0)) == 1
    unseen = trained.model.predict({"ids": np.array([[1, 5, 8, 8]], np.int32)}, verbose=0)
    assert unseen.sum() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(
    ("balance", "temperature", "expected"),
    [(0.0, 1.0, [0.6, 0.4]), (1.0, 1.0, [1 / 3, 2 / 3]), (0.0, 0.5, [36 / 52, 16 / 52])],
)
def test_what_is_served_favours_rare_classes_and_is_as_certain_as_asked(balance, temperature, expected):
    scores = keras.Input((2,))
    recipe = TfIdfEnsemble(balance=balance, temperature=temperature)
    adjusted = recipe._adjusted(keras.Model(scores, scores), np.array([0, 0, 0, 1]))

    assert adjusted.predict(np.array([[0.6, 0.4]]), verbose=0)[0] == pytest.approx(expected, abs=1e-5)
