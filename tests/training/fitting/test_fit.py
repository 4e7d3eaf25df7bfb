import shutil
from itertools import chain, count
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

from training.execution.checkpoints import Checkpoint, Checkpoints
from training.execution.execution import Execution
from training.fitting import fit
from training.fitting.fit import Diverged, Fit, Progress
from training.networks.augmentation import Augmentation
from training.problem_types import BINARY, REGRESSION
from training.task import Fold

RNG = np.random.default_rng(0)
IMAGE = {"image": RNG.integers(0, 255, (20, 8, 8, 1), np.uint8)}
TARGETS = np.arange(20) % 2


class Killed(Exception):
    pass


def fitted(folder, monkeypatch, epochs=6, patience=0, dies_after=None):
    """Fit a network that has all kinds of state (moving averages, dropout, augmentation, an optimizer's slots)."""

    def report(self, state):
        if state.epoch == dies_after:
            raise Killed

    monkeypatch.setattr(Progress, "report", report)
    keras.utils.set_random_seed(1)
    image = keras.Input((8, 8, 1), dtype="uint8", name="image")
    hidden = keras.layers.BatchNormalization()(keras.layers.Rescaling(1 / 255)(image))
    hidden = keras.layers.Dropout(0.5)(keras.layers.Dense(8)(keras.layers.Flatten()(hidden)))
    model = keras.Model({"image": image}, keras.layers.Dense(1, activation="sigmoid")(hidden))
    fold = Fold(IMAGE, TARGETS, (IMAGE, TARGETS), Execution(seed=1, checkpoints=Checkpoints(folder)))
    recipe = Fit(epochs, batch_size=8, patience=patience, optimizer=keras.optimizers.Adam(0.1))
    curves = recipe.run(BINARY, model, fold, Augmentation(turn=0.1, flip=True).layer())
    return curves, model.get_weights()


def same(one, other):
    return one[0] == other[0] and all(np.array_equal(a, b) for a, b in zip(one[1], other[1], strict=True))


@pytest.fixture(scope="module")
def undisturbed():
    """What a fit of six epochs ends with."""
    with pytest.MonkeyPatch.context() as patch:
        return fitted(None, patch)


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """The folder of a fit that was killed after four epochs of six; tests work on a copy."""
    folder = tmp_path_factory.mktemp("killed")
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
        fitted(folder, patch, dies_after=4)
    return folder


@pytest.mark.parametrize("patience", [0, 4])
def test_an_interrupted_fit_resumes_and_ends_with_the_same_weights(tmp_path, monkeypatch, undisturbed, patience):
    uninterrupted = fitted(None, monkeypatch, patience=patience) if patience else undisturbed
    for epoch in (1, 4):
        with pytest.raises(Killed):
            fitted(tmp_path, monkeypatch, patience=patience, dies_after=epoch)

    assert same(fitted(tmp_path, monkeypatch, patience=patience), uninterrupted)


def test_a_finished_fit_is_not_done_again(tmp_path, monkeypatch, undisturbed):
    fitted(tmp_path, monkeypatch)

    assert same(fitted(tmp_path, monkeypatch, dies_after=6), undisturbed)


def test_early_stopping_keeps_the_best_weights(monkeypatch):
    curves, weights = fitted(None, monkeypatch, epochs=30, patience=3)
    best = int(np.argmin(curves["val_loss"])) + 1

    assert len(curves["val_loss"]) == best + 3 < 30
    assert all(np.array_equal(a, b) for a, b in zip(fitted(None, monkeypatch, epochs=best)[1], weights, strict=True))


def test_the_rows_of_an_epoch_are_all_taken_in_an_order_of_its_own(monkeypatch):
    seen = []

    class Seeing(keras.Model):
        def train_step(self, batch):
            tf.numpy_function(lambda rows: seen.append(rows.tolist()), [batch[1]], [])
            return super().train_step(batch)

    features = keras.Input((1,), name="features")
    model = Seeing({"features": features}, keras.layers.Dense(1, activation="sigmoid")(features))
    fold = Fold({"features": np.zeros((21, 1), np.float32)}, np.arange(21), None, Execution(seed=3))
    Fit(2, batch_size=8).run(BINARY, model, fold)
    first, second = [*chain(*seen[:3])], [*chain(*seen[3:])]

    assert [len(rows) for rows in seen] == [8, 8, 5, 8, 8, 5]
    assert sorted(first) == sorted(second) == [*range(21)]
    assert first != second


@pytest.mark.parametrize(("seconds", "saved"), [(0.0, [1, 6]), (fit.SAVE_SECONDS, [1, 2, 3, 4, 5, 6])])
def test_short_epochs_are_not_all_saved_but_the_first_and_the_last_are(monkeypatch, tmp_path, seconds, saved):
    states, ticks = [], count()
    monkeypatch.setattr(fit, "time", SimpleNamespace(monotonic=lambda: seconds * next(ticks)))
    monkeypatch.setattr(Checkpoint, "save", lambda checkpoint, state: states.append(state.epoch))
    fitted(tmp_path, monkeypatch)

    assert states == saved


def cut(path):
    path.write_bytes(path.read_bytes()[:-2000])


def foreign(path):
    path.write_bytes(b"not a state")


def of_another_model(path):
    with np.load(path) as file:
        arrays = dict(file)
    arrays["variables-0"] = np.zeros((3, 3), np.float32)
    with path.open("wb") as file:
        np.savez(file, **arrays)


def without_progress(path):
    np.savez(path, **{"variables-0": np.zeros(3)})


def with_less_progress(path):
    with np.load(path) as file:
        arrays = dict(file)
    arrays["progress"] = np.array('{"epoch": 9, "curves": {"loss": [1.0]}}')
    np.savez(path, **arrays)


@pytest.mark.parametrize("damage", [cut, foreign, of_another_model, without_progress, with_less_progress])
def test_a_state_that_is_damaged_is_told_and_the_fit_begins_again(
    tmp_path, monkeypatch, capsys, killed, undisturbed, damage
):
    shutil.copy(killed / "fit-1.npz", tmp_path)
    damage(tmp_path / "fit-1.npz")

    assert same(fitted(tmp_path, monkeypatch), undisturbed)
    assert f"{tmp_path}/fit-1.npz is damaged or no state of this fit, which begins again: " in capsys.readouterr().out
    assert same(fitted(tmp_path, monkeypatch, dies_after=6), undisturbed)


@pytest.mark.parametrize(
    ("rate", "odd", "loss"), [(1e30, 1.0, "val_loss"), (1e30, None, "loss"), (0.1, np.nan, "val_loss")]
)
def test_a_training_that_diverges_ends_at_the_epoch_where_it_does(rate, odd, loss):
    features = keras.Input((1,), name="features")
    model = keras.Model({"features": features}, keras.layers.Dense(1)(features))
    rows = {"features": np.ones((4, 1), np.float32)}, np.full(4, 3, np.float32)
    validation = odd and ({"features": np.full((4, 1), odd, np.float32)}, np.full(4, 3, np.float32))
    fold = Fold(*rows, validation, Execution(seed=1))
    epoch = 1 if validation else 2  # at the end of the first, the weights are spoiled already
    with pytest.raises(Diverged, match=rf"diverged: in epoch {epoch} the {loss} is (nan|inf)") as raised:
        Fit(9, batch_size=4, optimizer=keras.optimizers.SGD(rate)).run(REGRESSION, model, fold)
    assert raised.value.exit_code == 2
