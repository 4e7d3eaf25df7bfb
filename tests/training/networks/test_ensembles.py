import keras
import numpy as np
import pytest

from training.errors import BadRequest
from training.networks.ensembles import DenseEnsemble, dense
from training.problem_types import BINARY, MULTICLASS, MULTILABEL, REGRESSION
from training.task import Fold

NUMBERS = np.random.default_rng(0).normal(size=(64, 3)).astype(np.float32)
SMALL = DenseEnsemble(members=3, units=(16,), rate=3e-2, epochs=20, batch_size=16)


@pytest.mark.parametrize(
    ("problem", "width", "targets"),
    [
        (BINARY, 1, (NUMBERS[:, 0] > 0).astype(np.int64)),
        (MULTICLASS, 3, NUMBERS.argmax(axis=1)),
        (MULTILABEL, 3, (NUMBERS > 0).astype(np.int64)),
        (REGRESSION, 1, 500 + 10 * NUMBERS[:, 0]),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_an_ensemble_learns_each_problem_type_and_is_validated(problem, width, targets):
    keras.utils.set_random_seed(1)
    features = {"features": NUMBERS}
    trained = SMALL.train(problem, width, Fold(features, targets, (features, targets)))

    scores = trained.model.predict(features, verbose=0)
    assert scores.shape == (64, width)
    assert {"loss", problem.metric, "val_loss", f"val_{problem.metric}"} == trained.curves["training"].keys()
    learnt, naive = (
        problem.measure(targets, given) for given in (scores, problem.naive_scores(targets, len(targets), width))
    )
    assert learnt > naive if problem.higher_is_better else learnt < 0.5 * naive


def test_each_member_is_a_dense_layer_of_its_own():
    hidden = keras.Input((2, 3))
    model = keras.Model(hidden, dense(hidden, 4, "relu"))
    kernel, bias = model.get_weights()
    given = np.random.default_rng(1).normal(size=(5, 2, 3)).astype(np.float32)

    got = model.predict(given, verbose=0)
    for member in range(2):
        expected = np.maximum(given[:, member] @ kernel[member] + bias[member], 0)
        assert got[:, member] == pytest.approx(expected, abs=1e-5)
    assert np.abs(kernel).max() <= (6 / (3 + 4)) ** 0.5


def test_far_features_count_as_so_many_deviations():
    model = SMALL.train(REGRESSION, 1, Fold({"features": NUMBERS}, NUMBERS[:, 0], None)).model
    far, farther = (model.predict({"features": np.full((1, 3), value, np.float32)}, verbose=0) for value in (6, 1e9))

    assert far == farther


def test_an_ensemble_has_members():
    with pytest.raises(BadRequest, match="members"):
        DenseEnsemble(members=0)
