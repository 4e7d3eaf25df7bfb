import dataclasses

import keras
import numpy as np
import pytest

from tests.training.networks.small_base import small_base
from training.errors import BadRequest
from training.execution.checkpoints import Checkpoints
from training.execution.execution import Execution
from training.fitting.fit import Fit, Progress
from training.networks import transfer
from training.networks.augmentation import Augmentation
from training.networks.transfer import Transfer
from training.problem_types import BINARY
from training.task import Fold

RECIPE = Transfer(
    height=32, width=32, alpha=0.25, weights="random", head_epochs=1, tuning_epochs=1, tuning_rate=1e-2, batch_size=8
)
IMAGE = {"image": np.random.default_rng(0).integers(0, 255, (8, 32, 32, 3), np.uint8)}
TARGETS = np.arange(8) % 2
KEPT = {"augmented_head": False, "augmented_tuning": False}


def weights_of(base):
    return {variable.path: variable.numpy() for variable in base.weights}


@pytest.fixture
def small(monkeypatch):
    """Gives recipes the small base."""
    monkeypatch.setattr(transfer, "pretrained", small_base)


@pytest.fixture
def changed(monkeypatch):
    """Trains a recipe: its base, the layers of that which changed, the features of each fit, and the stages."""
    initial, seen = {}, []
    make_base, run = transfer.pretrained, Fit.run

    def watched_base(*settings):
        base = make_base(*settings)
        initial.update(weights_of(base))
        return base

    def watched_run(fit, problem, model, fold, *options):
        seen.extend((name, len(rows)) for name, rows in fold.features.items())
        return run(fit, problem, model, fold, *options)

    def train(recipe):
        monkeypatch.setattr(transfer, "pretrained", watched_base)
        monkeypatch.setattr(Fit, "run", watched_run)
        keras.utils.set_random_seed(1)
        trained = recipe.train(BINARY, 1, Fold(IMAGE, TARGETS, (IMAGE, TARGETS)))
        base = next(layer for layer in trained.model.layers if isinstance(layer, keras.Model))
        final = weights_of(base)
        assert final.keys() == initial.keys()
        layers = {path.split("/")[-2] for path in initial if not np.array_equal(initial[path], final[path])}
        return base, layers, seen, list(trained.curves)

    return train


def test_fine_tuning_changes_only_the_top_of_the_base_and_no_batch_normalisation(changed):
    base, layers, seen, stages = changed(RECIPE)

    top = {"conv_dw_12", "conv_pw_12", "conv_dw_13", "conv_pw_13"}
    assert {layer.name for layer in base.layers if layer.trainable_weights} == top
    assert layers <= top  # with random weights, a layer may learn nothing
    assert seen == [("features", 8), ("image", 8)]
    assert stages == ["frozen base", "fine-tuning"]


@pytest.mark.parametrize(("flip", "copies"), [(True, 2), (False, 1)])
def test_tuning_without_augmentation_learns_from_features_of_each_image_and_its_mirror_image(
    small, changed, flip, copies
):
    recipe = dataclasses.replace(RECIPE, **KEPT, top_layers=9, augmentation=Augmentation(flip=flip, turn=0.1))
    base, layers, seen, stages = changed(recipe)

    top = {"conv_pw_2", "conv_dw_3", "conv_pw_3"}
    assert {layer.name for layer in base.layers if layer.trainable_weights} == top
    assert layers == top
    assert seen == [("features", 8), ("features", 8 * copies)]
    assert stages == ["frozen base", "fine-tuning"]


def test_a_base_of_which_nothing_stays_frozen_is_refused_before_anything_is_learned(small, changed):
    with pytest.raises(BadRequest, match="expected top_layers that leave some frozen, got 18"):
        changed(dataclasses.replace(RECIPE, **KEPT, top_layers=18))


@pytest.mark.parametrize("kept", [False, True])
def test_a_job_that_was_interrupted_in_each_stage_resumes_and_ends_with_the_same_weights(
    small, tmp_path, monkeypatch, kept
):
    recipe = dataclasses.replace(RECIPE, **KEPT if kept else {}, head_epochs=2, tuning_epochs=2)

    def weights(folder=None):
        keras.utils.set_random_seed(1)
        fold = Fold(IMAGE, TARGETS, None, Execution(seed=1, checkpoints=Checkpoints(folder)))
        return recipe.train(BINARY, 1, fold).model.get_weights()

    def killed(progress, state):
        if state.epoch == 1:
            raise KeyboardInterrupt

    uninterrupted = weights()
    for stage in (1, 2):
        with monkeypatch.context() as patch:
            patch.setattr(Progress, "report", killed)
            with pytest.raises(KeyboardInterrupt):
                weights(tmp_path)
        assert len(list(tmp_path.glob("fit-*.npz"))) == stage
    resumed = weights(tmp_path)

    assert all(np.array_equal(one, other) for one, other in zip(uninterrupted, resumed, strict=True))


@pytest.mark.parametrize("off", [{"augmented_head": False}, {"augmentation": Augmentation()}], ids=str)
def test_a_head_without_augmentation_learns_from_features_computed_once_and_leaves_the_base_as_it_is(
    small, changed, off
):
    _, layers, seen, stages = changed(dataclasses.replace(RECIPE, tuning_epochs=0, **off))

    assert not layers
    assert seen == [("features", 8)]
    assert stages == ["frozen base"]


@pytest.mark.parametrize("augmented", [True, False])
def test_the_frozen_base_sees_an_image_once_in_each_epoch_of_all_fits(small, capsys, augmented):
    recipe = dataclasses.replace(
        RECIPE, weights="imagenet", augmented_head=augmented, head_epochs=3, tuning_epochs=0, batch_size=4
    )
    known = {}
    for rows, validation in ((6, (IMAGE["image"][6:], TARGETS[6:])), (8, None)):
        fold = Fold(
            {"image": IMAGE["image"][:rows]}, TARGETS[:rows], validation and ({"image": validation[0]}, validation[1])
        )
        recipe.train(BINARY, 1, dataclasses.replace(fold, known=known))
    counts = [int(line.split()[-2]) for line in capsys.readouterr().out.splitlines() if "computing" in line]

    assert counts == ([6, 6, 6, 2, 2, 2, 2] if augmented else [6, 2])


def test_an_augmented_head_learns_from_other_changes_in_each_epoch(small, monkeypatch):
    seen, run = [], Fit.run
    monkeypatch.setattr(
        Fit, "run", lambda fit, problem, model, fold: seen.append(fold) or run(fit, problem, model, fold)
    )
    for _ in range(2):
        keras.utils.set_random_seed(1)
        dataclasses.replace(RECIPE, head_epochs=2, tuning_epochs=0).train(BINARY, 1, Fold(IMAGE, TARGETS, None))
    first, again = (fold.features["features"] for fold in seen)

    assert (seen[0].rows, seen[0].versions, len(first)) == (8, 2, 16)
    assert not np.array_equal(first[:8], first[8:])
    assert np.array_equal(first, again)


def test_with_test_time_flip_the_answer_is_the_mean_of_that_to_the_image_and_that_to_its_mirror_image(small):
    def scores(flipped, images):
        keras.utils.set_random_seed(1)
        recipe = dataclasses.replace(RECIPE, **KEPT, head_rate=1.0, test_time_flip=flipped)
        return recipe.train(BINARY, 1, Fold(IMAGE, TARGETS, (IMAGE, TARGETS))).model({"image": images}).numpy()

    images, mirrored = IMAGE["image"], IMAGE["image"][:, :, ::-1]
    plain, other = scores(False, images), scores(False, mirrored)
    assert np.abs(plain - other).max() > 1e-4
    assert scores(True, images) == pytest.approx((plain + other) / 2, abs=1e-6)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"base": "Mobilnet"}, "unknown base 'Mobilnet'"),
        ({"base": "VGG16"}, "expected alpha 0, got 0.25"),
        ({"head_epochs": 0}, "head_epochs and batch_size must be at least 1"),
        ({"dropout": 1.0}, "dropout at least 0 and less than 1"),
        ({"tuning_rate": 0.0}, "rates must be more than 0"),
    ],
)
def test_a_recipe_that_can_not_be_is_refused_when_it_is_made(setting, message):
    with pytest.raises(BadRequest, match=message):
        dataclasses.replace(RECIPE, **setting)
