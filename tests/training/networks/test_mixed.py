import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from training.errors import BadRequest
from training.fitting.fit import Fit
from training.networks.mixed import Mixed
from training.networks.recurrent import Recurrent
from training.networks.sequence_convolutions import SequenceConvNet
from training.networks.sequences import Differs, KnownIds, LastStep, MaskedMean
from training.problem_types import (
    BALANCED_BINARY,
    BALANCED_MULTICLASS,
    BINARY,
    MULTICLASS,
    REGRESSION,
    STANDARDISED_REGRESSION,
    MultiOutput,
)
from training.task import Fold

RNG = np.random.default_rng(0)
ROWS = 96
RECIPES = [
    Mixed(units=(16,), epochs=40, batch_size=16, rate=0.02),
    Recurrent(units=(16,), state=8, epochs=40, batch_size=16, rate=0.02),
    Recurrent(units=(16,), state=8, cell="lstm", epochs=40, batch_size=16, rate=0.02),
    SequenceConvNet(units=(16,), convolutions=(8, 8), kernel=3, epochs=40, batch_size=16, rate=0.02),
    SequenceConvNet(units=(16,), convolutions=(8,), separable=True, epochs=40, batch_size=16, rate=0.02),
    Mixed(units=(16,), members=3, wide=True, decay=0.01, dropout=0.1, epochs=40, batch_size=16, rate=0.02),
]
NAMES = ["dense", "gru", "lstm", "convolutions", "separable", "wide members"]
each_recipe = pytest.mark.parametrize("recipe", RECIPES, ids=NAMES)


def texts(count: int = ROWS) -> np.ndarray:
    ids = RNG.integers(2, 12, (count, 9), np.int32)
    ids[np.arange(9) >= RNG.integers(4, 9, count)[:, None]] = 0
    return ids


def one_of_each(count: int = ROWS) -> dict[str, np.ndarray]:
    return {
        "features": RNG.normal(size=(count, 3)).astype(np.float32),
        "island": RNG.integers(0, 4, (count, 1), np.int32),
        "text": texts(count),
        "window": RNG.normal(size=(count, 6)).astype(np.float32),
        "track": RNG.normal(size=(count, 5, 2)).astype(np.float32),
        "photo": RNG.integers(0, 255, (count, 8, 8, 1), np.uint8),
    }


def answered(model, features):
    return model(features).numpy()  # `predict` would compile a graph


def trained(recipe, features, targets, problem=BINARY, width=1):
    keras.utils.set_random_seed(1)
    return recipe.train(problem, width, Fold(features, targets, None)).model


@pytest.fixture
def untrained(monkeypatch):
    """Has no recipe fitted, which takes seconds to compile; its trainable weights are drawn by lot instead."""

    def draw(fit, problem, model, fold):
        for number, variable in enumerate(model.trainable_weights):
            variable.assign(np.random.default_rng(number).normal(size=variable.shape))
        return {}

    monkeypatch.setattr(Fit, "run", draw)


# What dense networks and convolutions export is compared in tests/examples.
@pytest.mark.parametrize("recipe", [Recurrent(bidirectional=True, epochs=1, batch_size=16), *RECIPES[4:]])
def test_any_record_gives_scores_and_what_is_exported_gives_the_same(untrained, recipe, tmp_path):
    features = one_of_each(24)
    model = trained(recipe, features, np.arange(24) % 3, MULTICLASS, 3)
    scores = answered(model, features)

    model.export(tmp_path, verbose=False)
    loaded = tf.saved_model.load(tmp_path)
    served = loaded.serve({name: tf.constant(array) for name, array in features.items()})
    assert scores.shape == (24, 3)
    assert served.numpy() == pytest.approx(scores, abs=1e-5)


@each_recipe
def test_it_learns_from_a_text_and_a_series_together(recipe):
    features = {"text": texts(), "track": RNG.normal(size=(ROWS, 5, 2)).astype(np.float32)}
    targets = (features["text"] == 5).any(axis=1) + 2 * (features["track"][:, -1, 0] > 0)
    model = trained(recipe, features, targets, MULTICLASS, 4)

    assert MULTICLASS.measure(targets, answered(model, features)) > 0.8


@pytest.mark.parametrize("field", ["features", "island", "photo"])
def test_it_learns_from_numbers_categories_and_images(field):
    array = one_of_each()[field]
    targets = array[:, 0] == 2 if field == "island" else array[:, 0].reshape(ROWS, -1).mean(axis=1) > array.mean()
    model = trained(RECIPES[0], {field: array}, targets.astype(np.int64))

    assert BINARY.measure(targets, answered(model, {field: array})) > 0.9


@each_recipe
def test_padding_changes_no_answer_even_if_there_is_nothing_else(untrained, recipe):
    ids = texts()
    ids[0] = 0
    padded = np.pad(ids, ((0, 0), (0, 8)))
    short, long = (trained(recipe, {"text": array}, ids[:, 0] % 2) for array in (ids, padded))
    long.set_weights(short.get_weights())

    scores = answered(short, {"text": ids})
    assert np.isfinite(scores).all()
    assert answered(long, {"text": padded}) == pytest.approx(scores, abs=1e-6)


def test_an_id_that_no_training_row_had_counts_as_none(untrained):
    ids = texts()
    model = trained(RECIPES[0], {"text": ids}, ids[:, 0] % 2)
    unseen, none = ids.copy(), ids.copy()
    unseen[:, 3], none[:, 3] = [[12, 30_000, -1][row % 3] for row in range(ROWS)], 0

    got, expected = (answered(model, {"text": array}) for array in (unseen, none))
    assert got.tolist() == expected.tolist()


@pytest.mark.parametrize("recipe", [Recurrent, SequenceConvNet, Mixed])
def test_what_is_missing_in_a_series_does_not_count(untrained, recipe):
    windows = RNG.normal(size=(ROWS, 6)).astype(np.float32)
    settings = {"relative": True, "skip_zeros": True, "units": (8,), "epochs": 1, "batch_size": 32}
    model = trained(recipe(**settings), {"window": windows}, windows.sum(axis=1), REGRESSION)
    all_missing = answered(model, {"window": np.zeros((1, 6), np.float32)})
    assert np.isfinite(all_missing).all()
    if recipe is Recurrent:
        gaps, shifted = np.zeros((2, 1, 6), np.float32)
        gaps[0, [0, 3]] = shifted[0, [2, 4]] = [1.5, -0.5]
        assert answered(model, {"window": gaps}) == answered(model, {"window": shifted})


def test_a_relative_series_goes_on_where_training_had_no_rows():
    starts = RNG.uniform(-1, 1, (256, 1))
    windows = (starts + np.arange(8) * 0.1 + RNG.normal(0, 0.01, (256, 8))).astype(np.float32)
    recipe = Recurrent(units=(), relative=True, state=4, epochs=60, batch_size=16, rate=0.02)
    model = trained(recipe, {"window": windows}, windows[:, -1] + 0.1, REGRESSION)

    beyond = answered(model, {"window": windows + 5})[:, 0]
    assert np.abs(beyond - (windows[:, -1] + 5.1)).mean() < 0.25


def test_the_layers_for_sequences_by_hand():
    steps = np.array([[[1.0], [0.0], [3.0], [0.0]], [[0.0]] * 4], np.float32)
    counts = Differs(0)(steps)

    assert counts.numpy().tolist() == [[True, False, True, False], [False] * 4]
    assert MaskedMean()(steps, counts).numpy().tolist() == [[2.0], [0.0]]
    assert LastStep()(steps, counts).numpy().tolist() == [[3.0], [0.0]]
    assert KnownIds(5, 1)(np.array([[0, 4, 5, -2]], np.int32)).numpy().tolist() == [[0, 4, 1, 1]]


@pytest.mark.parametrize(
    ("recipe", "setting"),
    [
        (Mixed, {"embedding": 0}),
        (Mixed, {"filters": (8, 0)}),
        (Mixed, {"units": (0,)}),
        (Mixed, {"rate": -1.0}),
        (Mixed, {"members": 0}),
        (Mixed, {"decay": 0.1}),
        (Recurrent, {"cell": "rnn"}),
        (Recurrent, {"state": 0}),
        (SequenceConvNet, {"kernel": 0}),
        (SequenceConvNet, {"convolutions": ()}),
    ],
    ids=str,
)
def test_a_network_that_can_not_be_is_refused_when_it_is_made(recipe, setting):
    with pytest.raises(BadRequest, match=r"must be|needs a rate"):
        recipe(epochs=1, batch_size=1, **setting)


def test_a_wide_network_learns_what_its_narrow_dense_layer_lets_not_through():
    numbers = RNG.normal(size=(400, 4)).astype(np.float32)
    targets = numbers.argmax(axis=1)
    narrow = Mixed(units=(1,), epochs=30, batch_size=16, rate=0.03)
    deep, wide = (
        answered(trained(dataclasses.replace(narrow, wide=is_wide), {"features": numbers}, targets, MULTICLASS, 4),
                 {"features": numbers})
        for is_wide in (False, True)
    )  # fmt: skip

    assert MULTICLASS.measure(targets, wide) > 0.9 > 0.7 > MULTICLASS.measure(targets, deep)


def test_each_member_is_trained_by_itself_and_their_mean_answers():
    numbers = RNG.normal(size=(ROWS, 3)).astype(np.float32)
    keras.utils.set_random_seed(1)
    fold = Fold({"features": numbers}, numbers[:, 0] * 50 + 1000, None)
    problem = STANDARDISED_REGRESSION.scaled(fold.targets)
    model = RECIPES[-1].train(problem, 1, fold).model
    members = next(layer for layer in model.layers if layer.name == "scores")
    single = keras.Model(model.input, members.output)(fold.features).numpy()

    assert single.shape == (ROWS, 3, 1)
    assert single.std(axis=1).min() > 0
    assert single.mean(axis=1) == pytest.approx(answered(model, fold.features), abs=1e-2)
    assert np.abs(single[:, :, 0] - fold.targets[:, None]).mean(axis=0).max() < 15


@pytest.mark.parametrize(("problem", "width"), [(BALANCED_BINARY, 1), (BALANCED_MULTICLASS, 3)])
def test_members_weigh_rare_classes_too(problem, width):
    targets = (np.arange(400) % 20 == 0).astype(np.int64) * max(1, width - 1)
    features = {"features": RNG.normal(targets[:, None] / max(1, width - 1), 1.0, (400, 2)).astype(np.float32)}
    keras.utils.set_random_seed(1)
    fold = Fold(features, targets, (features, targets))
    found = dataclasses.replace(RECIPES[-1], epochs=10).train(problem.scaled(targets), width, fold)

    measured = problem.measure(targets, answered(found.model, features))
    assert measured > 0.65
    assert found.curves["training"]["val_balanced_accuracy"][-1] == pytest.approx(measured, abs=0.1)


def test_members_answer_several_questions():
    features = {"features": RNG.normal(size=(ROWS, 3)).astype(np.float32)}
    targets = {"kind": features["features"].argmax(axis=1), "mass": features["features"][:, 0] * 100}
    asked = MultiOutput({"kind": (MULTICLASS, 3), "mass": (REGRESSION, 1)}).scaled(targets)
    keras.utils.set_random_seed(1)
    model = RECIPES[-1].train(asked, 4, Fold(features, targets, (features, targets))).model

    answers = model(features)
    assert MULTICLASS.measure(targets["kind"], answers["kind"].numpy()) > 0.8
    assert REGRESSION.measure(targets["mass"], answers["mass"].numpy()) < 40


def test_an_input_that_none_of_it_fits_is_named():
    with pytest.raises(BadRequest, match=r"input 'cube': Mixed takes numbers, ids .*, got int32\[2, 2\]"):
        trained(Mixed(epochs=1, batch_size=4), {"cube": np.zeros((4, 2, 2), np.int32)}, np.zeros(4))
