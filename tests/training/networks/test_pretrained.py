"""Transfer learning with ImageNet's weights, where KERAS_HOME has them: head, then fine-tuning, of three classes."""

import os
from pathlib import Path

import keras
import numpy as np
import pytest

from training.declarations.declaration import FieldPart, RecipePart
from training.declarations.places import Source
from training.declarations.recipes import make_recipes
from training.problem_types import MULTICLASS
from training.task import Fold

WEIGHTS = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras")) / "models" / "mobilenet_7_5_224_tf_no_top.h5"
needs_weights = pytest.mark.skipif(not WEIGHTS.exists(), reason=f"needs {WEIGHTS.name} in KERAS_HOME/models")


def shapes(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return photos of stripes, rings and checks, of any colours, scale and place."""
    rng = np.random.default_rng(seed)
    kinds = np.arange(count) % 3
    y, x = np.mgrid[:224, :224]
    photos = np.empty((count, 224, 224, 3), np.uint8)
    for photo, kind in zip(photos, kinds, strict=True):
        left, top, size = rng.uniform(40, 180), rng.uniform(40, 180), rng.uniform(6, 16)
        waves = {0: np.sin(x / size), 1: np.sin(np.hypot(x - left, y - top) / size)}
        pattern = waves.get(int(kind), np.sin(x / size) * np.sin(y / size)) > 0
        dark, light = rng.integers(0, 110, 3), rng.integers(140, 256, 3)
        photo[:] = np.where(pattern[:, :, None], light, dark)
    return photos, kinds


@needs_weights
def test_the_default_recipe_learns_three_classes_from_few_photos_in_two_stages():
    photos, kinds = shapes(72, 1)
    field = FieldPart("image", {"height": 224, "width": 224})
    source = Source(Path("zoo.toml"), "")
    recipe = make_recipes(source, RecipePart("transfer"), {"image": field}, len(photos), MULTICLASS)["transfer"]
    keras.utils.set_random_seed(1)
    trained = recipe.train(MULTICLASS, 3, Fold({"image": photos}, kinds, None))

    others, theirs = shapes(30, 2)
    assert [*trained.curves] == ["frozen base", "fine-tuning"]
    assert MULTICLASS.measure(theirs, np.asarray(trained.model({"image": others}))) > 0.9
