import dataclasses

import keras
import numpy as np
import pytest

from training.augmentation import Augmentation
from training.bases import pretrained
from training.errors import BadRequest
from training.fitting import Fit
from training.problems import BINARY
from training.task import Fold
from training.transfer import Transfer

RECIPE = Transfer(
    height=32, width=32, alpha=0.25, weights="random", head_epochs=1, tuning_epochs=1, tuning_rate=1e-2, batch_size=8
)
IMAGE = {"image": np.random.default_rng(0).integers(0, 255, (8, 32, 32, 3), np.uint8)}
TARGETS = np.arange(8) % 2


def weights_of(base):
    return {variable.path: variable.numpy() for variable in base.weights}


@pytest.fixture(scope="module")
def before():
    keras.utils.set_random_seed(1)
    return weights_of(pretrained("MobileNet", 32, 32, 0.25, "random"))


@pytest.fixture
def changed(before, monkeypatch):
    """Train a recipe: its base, which layers of that it changed, and what its stages learnt from."""
    seen, run = [], Fit.run

    def watched(fit, problem, model, fold, *options):
        seen.append(list(fold.features))
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
    assert seen == [["image"], ["image"]]
    assert stages == ["frozen base", "fine-tuning"]


@pytest.mark.parametrize("off", [{"augmented_head": False}, {"augmentation": Augmentation()}], ids=str)
def test_a_head_without_augmentation_learns_from_features_computed_once_and_leaves_the_base_as_it_is(changed, off):
    _, layers, seen, stages = changed(dataclasses.replace(RECIPE, tuning_epochs=0, **off))

    assert not layers
    assert seen == [["features"]]
    assert stages == ["frozen base"]


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"base": "Mobilnet"}, "no base 'Mobilnet'"),
        ({"base": "VGG16"}, "expected alpha 0, got 0.25"),
        ({"head_epochs": 0}, "head_epochs and batch_size must be at least 1"),
        ({"dropout": 1.0}, "dropout at least 0 and less than 1"),
        ({"tuning_rate": 0.0}, "rates must be more than 0"),
    ],
)
def test_a_recipe_that_can_not_be_is_refused_when_it_is_made(setting, message):
    with pytest.raises(BadRequest, match=message):
        dataclasses.replace(RECIPE, **setting)
