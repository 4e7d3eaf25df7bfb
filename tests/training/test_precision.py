import keras
import numpy as np
import pytest

from serving.runtime.saved_model import Parallelism, load
from serving.runtime.servable import Servable
from training.data.features import prepare
from training.execution.execution import Execution
from training.jobs.training_job import Job, train
from training.networks.convolutions import ConvNet
from training.networks.dense import BagOfWords, Dense
from training.networks.ensembles import DenseEnsemble
from training.networks.ngrams import NGramBag
from training.networks.tfidf import TfIdfEnsemble
from training.problem_types import BINARY, MULTICLASS
from training.publishing.export import export
from training.task import Fold, find_task
from training.validation import NoValidation

RNG = np.random.default_rng(0)
IDS = {"ids": RNG.integers(0, 10, (8, 4), np.int32)}
NUMBERS = {"features": RNG.normal(size=(8, 3)).astype(np.float32)}
IMAGE = {"image": RNG.integers(0, 255, (8, 8, 8, 1), np.uint8)}
TARGETS = np.arange(8) % 2
ONCE = {"epochs": 1, "batch_size": 4}


@pytest.fixture
def bfloat16(precision):
    precision("mixed_bfloat16")


@pytest.fixture
def precision():
    yield keras.config.set_dtype_policy
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

    assert all(np.isfinite(curve["loss"]).all() for curve in trained.curves.values())
    assert trained.model(features).dtype == "float32"


@pytest.mark.parametrize(
    ("name", "policy", "jit_compile"),
    [
        ("house_price", "mixed_bfloat16", False),
        ("house_price", "mixed_bfloat16", True),
        ("house_price", "mixed_float16", False),
        ("digits", "mixed_bfloat16", False),
    ],
)
def test_what_training_expects_is_what_the_exported_graph_computes(precision, tmp_path, name, policy, jit_compile):
    precision(policy)
    settings = {"overrides": ("epochs=3",), "protocol": NoValidation(), "jit_compile": jit_compile}
    job = Job(name, find_task(name), "baseline", tmp_path, None, True, 1, print, **settings)
    result = train(job, job.load())

    export(result.model, result.contract, tmp_path / "version")

    features = prepare(result.contract.record, result.record.test_instances)
    # A session, as TensorFlow Serving runs it; all rows at once, where training took them in batches.
    server = Servable.of(*load(tmp_path / "version", Parallelism()))
    (served,) = server.ask("serving_default", features).values()
    scale = float(np.ptp(served))
    assert served == pytest.approx(result.record.test_scores, abs=1e-5 * scale)
    examples = np.stack([example.outputs["scores"] for example in result.contract.examples])
    assert served[: len(examples)] == pytest.approx(examples, abs=1e-5 * scale)


def test_xla_learns_the_same():
    def losses(jit_compile):
        keras.utils.set_random_seed(1)
        fold = Fold(NUMBERS, TARGETS, None, Execution(seed=1, jit_compile=jit_compile))
        return Dense(units=(4,), epochs=3, batch_size=4).train(BINARY, 1, fold).curves["training"]["loss"]

    assert losses(jit_compile=True) == pytest.approx(losses(jit_compile=False), rel=1e-4)
