import keras
import numpy as np
import pytest

from tests.training.networks.test_transfer import small_base
from training.errors import BadRequest
from training.networks import transfer
from training.networks.convolutions import ConvNet
from training.networks.dense import BagOfWords, Dense
from training.networks.multi_hot import MultiHot
from training.networks.ngrams import Bag, NGramBag, NGrams
from training.networks.transfer import Transfer
from training.problem_types import BINARY, MULTICLASS, MULTILABEL, REGRESSION, UNIT_REGRESSION
from training.task import Fold

RNG = np.random.default_rng(0)
NUMBERS = RNG.normal(size=(64, 3)).astype(np.float32)


def test_multi_hot_marks_each_word_once_and_no_padding():
    ids = np.array([[1, 3, 3, 0, 0], [0, 0, 0, 0, 0]], np.int32)

    assert MultiHot(5)(ids).numpy().tolist() == [[1, 0, 1, 0], [0, 0, 0, 0]]


@pytest.mark.parametrize(
    ("problem", "width", "targets"),
    [
        (BINARY, 1, (NUMBERS[:, 0] > 0).astype(np.int64)),
        (MULTICLASS, 3, NUMBERS.argmax(axis=1)),
        (MULTILABEL, 3, (NUMBERS > 0).astype(np.int64)),
        (REGRESSION, 1, NUMBERS[:, 0]),
        (UNIT_REGRESSION, 1, 1 / (1 + np.exp(-NUMBERS[:, 0]))),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_each_problem_type_learns_and_beats_the_naive_baseline(problem, width, targets):
    keras.utils.set_random_seed(1)
    fold = Fold({"features": NUMBERS}, targets, None)
    trained = Dense(units=(16,), epochs=60, batch_size=8).train(problem, width, fold)

    learnt = problem.measure(targets, trained.model.predict(fold.features, verbose=0))
    naive = problem.measure(targets, problem.naive_scores(targets, len(targets), width))
    assert learnt > naive if problem.higher_is_better else learnt < 0.75 * naive


@pytest.mark.parametrize(
    ("recipe", "features"),
    [
        (
            BagOfWords(num_words=10, length=4, units=(2,), epochs=1, batch_size=4),
            {"ids": RNG.integers(0, 10, (8, 4), np.int32)},
        ),
        (
            ConvNet(height=8, width=8, filters=(2,), units=2, epochs=1, batch_size=4),
            {"image": RNG.integers(0, 255, (8, 8, 8, 1), np.uint8)},
        ),
        (
            Transfer(height=32, width=32, alpha=0.25, weights="random", head_epochs=1, tuning_epochs=1, top_layers=9),
            {"image": RNG.integers(0, 255, (8, 32, 32, 3), np.uint8)},
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_each_recipe_gives_a_model_from_named_features_to_scores(monkeypatch, recipe, features):
    monkeypatch.setattr(transfer, "pretrained", small_base)
    targets = np.arange(8) % 2
    trained = recipe.train(BINARY, 1, Fold(features, targets, (features, targets)))

    for curves in trained.curves.values():
        assert curves.keys() == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert trained.model.predict(features, verbose=0).shape == (8, 1)


@pytest.mark.parametrize("setting", [{"depth": 0}, {"units": 0}, {"rate": -0.1}, {"filters": (8, 0)}], ids=str)
def test_a_convolutional_network_that_can_not_be_is_refused_when_it_is_made(setting):
    with pytest.raises(BadRequest, match="must be at least"):
        ConvNet(height=8, width=8, epochs=1, batch_size=1, **setting)


def test_n_grams_are_numbered_once_each_and_padding_is_none():
    ngrams = NGrams(num_words=10, orders=2, buckets=16)
    numbers = ngrams(np.array([[1, 5, 6, 5, 6, 0, 0]], np.int32)).numpy()[0]
    pairs = sorted(number for number in numbers if number >= 10)

    assert sorted(number for number in numbers if 0 < number < 10) == [1, 5, 6]
    assert len(pairs) == 3  # 1 5, 5 6 (twice), 6 5
    assert max(pairs) < ngrams.size


def test_what_is_served_of_an_n_gram_bag_is_what_was_learnt():
    texts = np.array([[1, 4, 5, 0], [1, 6, 7, 0], [1, 5, 4, 0], [1, 7, 6, 0]] * 8, np.int32)
    targets = np.array([0, 1, 0, 1] * 8)
    recipe = NGramBag(num_words=8, length=4, buckets=16, least=1, batch_size=8)
    trained = recipe.train(BINARY, 1, Fold({"ids": texts}, targets, None))

    assert BINARY.measure(targets, trained.model.predict({"ids": texts}, verbose=0)) == 1


def test_a_bag_sums_the_rows_that_are_there_by_the_root_of_their_count():
    bag = Bag(size=6, width=2)
    bag.build(None)
    table = np.arange(12, dtype=np.float32).reshape(6, 2)
    bag.table.assign(table)
    bag.bias.assign([1, -1])

    got = bag(np.array([[0, 2, 0, 5], [0, 0, 0, 0]], np.int32)).numpy()
    assert got[0] == pytest.approx((table[2] + table[5]) / 2**0.5 + [1, -1])
    assert got[1].tolist() == [1, -1]
