import dataclasses

import keras
import numpy as np
import pytest

from training.errors import BadRequest
from training.execution.checkpoints import Checkpoints
from training.execution.execution import Execution
from training.fitting.fit import Fit, Progress
from training.networks.augmentation import Augmentation
from training.networks.bases import pretrained
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


@pytest.fixture(scope="module")
def before():
    keras.utils.set_random_seed(1)
    return weights_of(pretrained("MobileNet", 32, 32, 0.25, "random"))


@pytest.fixture
def changed(before, monkeypatch):
    """Trains a recipe: its base, the layers of that which changed, the features of each fit, and the stages."""
    seen, run = [], Fit.run

    def watched(fit, problem, model, fold, *options):
        seen.extend((name, len(rows)) for name, rows in fold.features.items())
        return run(fit, problem, model, fold, *options)

    def train(recipe):
        monkeypatch.setattr(Fit, "run", watched)
        keras.utils.set_random_seed(1)  # as before: the base starts with the same weights
        trained = recipe.train(BINARY, 1, Fold(IMAGE, TARGETS, (IMAGE, TARGETS)))
        base = next(layer for layer in trained.model.layers if isinstance(layer, keras.Model))
        after = weights_of(base)
        assert after.keys() == before.keys()
        layers = {path.split("/")[-2] for path in before if not np.array_equal(before[path], after[path])}
        return base, layers, seen, list(trained.curves)

    return train


def test_fine_tuning_changes_only_the_top_of_the_base_and_no_batch_normalisation(changed):
    base, layers, seen, stages = changed(RECIPE)

    top = {"conv_dw_12", "conv_pw_12", "conv_dw_13", "conv_pw_13"}
    assert {layer.name for layer in base.layers if layer.trainable_weights} == top
    assert layers <= top  # with random weights, a layer may learn nothing
    assert seen == [("image", 8), ("image", 8)]
    assert stages == ["frozen base", "fine-tuning"]


@pytest.mark.parametrize(("flip", "copies"), [(True, 2), (False, 1)])
def test_tuning_without_augmentation_learns_from_features_of_each_image_and_its_mirror_image(changed, flip, copies):
    recipe = dataclasses.replace(RECIPE, **KEPT, top_layers=9, augmentation=Augmentation(flip=flip, turn=0.1))
    base, layers, seen, stages = changed(recipe)

    top = {"conv_pw_12", "conv_dw_13", "conv_pw_13"}
    assert {layer.name for layer in base.layers if layer.trainable_weights} == top
    assert layers
    assert layers <= top
    assert seen == [("features", 8), ("features", 8 * copies)]
    assert stages == ["frozen base", "fine-tuning"]


def test_a_base_of_which_nothing_stays_frozen_is_refused_before_anything_is_learned(changed):
    with pytest.raises(BadRequest, match="expected top_layers that leave some frozen, got 86"):
        changed(dataclasses.replace(RECIPE, **KEPT, top_layers=86))


@pytest.mark.parametrize("stage", [1, 2])
@pytest.mark.parametrize("kept", [False, True])
def test_a_job_that_was_interrupted_in_either_stage_resumes_and_ends_with_the_same_weights(
    tmp_path, monkeypatch, stage, kept
):
    recipe = dataclasses.replace(RECIPE, **KEPT if kept else {}, head_epochs=2, tuning_epochs=2)

    def weights(folder=None):
        keras.utils.set_random_seed(1)
        fold = Fold(IMAGE, TARGETS, None, Execution(seed=1, checkpoints=Checkpoints(folder)))
        return recipe.train(BINARY, 1, fold).model.get_weights()

    def killed(progress, state):
        saved = len(list(tmp_path.glob("fit-*.npz")))
        if saved == stage and state.epoch == 1:
            raise KeyboardInterrupt

    uninterrupted = weights()
    with monkeypatch.context() as patch:
        patch.setattr(Progress, "report", killed)
        with pytest.raises(KeyboardInterrupt):
            weights(tmp_path)
    resumed = weights(tmp_path)

    assert all(np.array_equal(one, other) for one, other in zip(uninterrupted, resumed, strict=True))


@pytest.mark.parametrize("off", [{"augmented_head": False}, {"augmentation": Augmentation()}], ids=str)
def test_a_head_without_augmentation_learns_from_features_computed_once_and_leaves_the_base_as_it_is(changed, off):
    _, layers, seen, stages = changed(dataclasses.replace(RECIPE, tuning_epochs=0, **off))

    assert not layers
    assert seen == [("features", 8)]
    assert stages == ["frozen base"]


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
