import keras
import numpy as np
import pytest

from training.convolutions import ConvNet
from training.ensembles import DenseEnsemble
from training.execution import Execution
from training.networks import BagOfWords, Dense
from training.ngrams import NGramBag
from training.problems import BINARY, MULTICLASS
from training.task import Fold
from training.tfidf import TfIdfEnsemble

RNG = np.random.default_rng(0)
IDS = {"ids": RNG.integers(0, 10, (8, 4), np.int32)}
NUMBERS = {"features": RNG.normal(size=(8, 3)).astype(np.float32)}
IMAGE = {"image": RNG.integers(0, 255, (8, 8, 8, 1), np.uint8)}
TARGETS = np.arange(8) % 2
ONCE = {"epochs": 1, "batch_size": 4}


@pytest.fixture
def bfloat16():
    keras.config.set_dtype_policy("mixed_bfloat16")
    yield
    keras.config.set_dtype_policy("float32")


@pytest.mark.parametrize(
    ("recipe", "problem", "features"),
    [
        (BagOfWords(num_words=10, length=4, units=(2,), **ONCE), BINARY, IDS),
        (NGramBag(num_words=10, length=4, buckets=8, **ONCE), BINARY, IDS),
        (TfIdfEnsemble(num_words=10, length=4, members=2, units=4, **ONCE), MULTICLASS, IDS),
        (DenseEnsemble(members=2, units=(2,), **ONCE), BINARY, NUMBERS),
        (ConvNet(height=8, width=8, filters=(2,), units=2, batch_normalisation=True, **ONCE), BINARY, IMAGE),
    ],
    ids=lambda value: type(value).__name__,
)
def test_each_recipe_trains_in_lower_precision_and_still_scores_in_float32(bfloat16, recipe, problem, features):
    width = 1 if problem is BINARY else 2
    trained = recipe.train(problem, width, Fold(features, TARGETS, None))

    (curve,) = trained.curves.values()
    assert np.isfinite(curve["loss"]).all()
    assert trained.model(features).dtype == "float32"


def test_xla_learns_the_same():
    def losses(jit_compile):
        keras.utils.set_random_seed(1)
        fold = Fold(NUMBERS, TARGETS, None, Execution(seed=1, jit_compile=jit_compile))
        return Dense(units=(4,), epochs=3, batch_size=4).train(BINARY, 1, fold).curves["training"]["loss"]

    assert losses(jit_compile=True) == pytest.approx(losses(jit_compile=False), rel=1e-4)
