"""What LiteRT computes of each other kind of network, besides those over words."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.training.networks.lite_form import lite_form, lite_runner, specs_of
from tests.training.networks.small_base import small_base
from training.experiments.served_graph import served_graph
from training.networks import transfer
from training.networks.augmentation import Augmentation
from training.networks.convolutions import ConvNet
from training.networks.dense import Dense
from training.networks.ensembles import DenseEnsemble
from training.networks.mixed import Mixed
from training.networks.recurrent import Recurrent
from training.networks.sequence_convolutions import SequenceConvNet
from training.networks.transfer import Transfer
from training.problem_types import BINARY, MULTICLASS, REGRESSION
from training.task import Fold

RNG = np.random.default_rng(0)
ROWS = 32
ONCE = {"epochs": 1, "batch_size": 16}
NUMBERS = {"features": RNG.normal(size=(ROWS, 5)).astype(np.float32)}
IMAGE = {"image": RNG.integers(0, 255, (ROWS, 32, 32, 3), np.uint8)}
TOKENS = {"text": (RNG.integers(1, 40, (ROWS, 12)) * (np.arange(12) < np.arange(ROWS)[:, None])).astype(np.int32)}
COLOUR = {"colour": RNG.integers(0, 5, (ROWS, 1)).astype(np.int32)}
LOADS = {
    "loads": RNG.normal(size=(ROWS, 10, 3)).astype(np.float32) * (np.arange(10) >= np.arange(ROWS)[:, None])[..., None]
}
CHANGES = Augmentation(turn=0.03, shift=0.08, shear=0.1, zoom=0.1, brightness=0.1, flip=True)
TRANSFER = Transfer(
    height=32,
    width=32,
    alpha=0.25,
    weights="random",
    head_epochs=1,
    tuning_epochs=1,
    top_layers=9,
    augmented_head=False,
    test_time_flip=True,
)


@pytest.mark.parametrize(
    ("recipe", "problem", "features"),
    [
        (Dense(dropout=0.2, **ONCE), REGRESSION, NUMBERS),
        (DenseEnsemble(members=3, **ONCE), REGRESSION, NUMBERS),
        (ConvNet(height=32, width=32, batch_normalisation=True, augmentation=CHANGES, **ONCE), BINARY, IMAGE),
        (TRANSFER, BINARY, IMAGE),
        (Mixed(wide=True, members=3, **ONCE), BINARY, NUMBERS | IMAGE | TOKENS | COLOUR),
        (Mixed(relative=True, skip_zeros=True, **ONCE), REGRESSION, NUMBERS | LOADS),
        (SequenceConvNet(**ONCE), MULTICLASS, TOKENS | LOADS),
        (Recurrent(**ONCE), BINARY, TOKENS | LOADS),
        (Recurrent(cell="lstm", bidirectional=True, skip_zeros=True, **ONCE), REGRESSION, NUMBERS | LOADS),
        (SequenceConvNet(separable=True, relative=True, skip_zeros=True, **ONCE), BINARY, TOKENS | LOADS),
    ],
    ids=[
        "dense",
        "members",
        "convolutions",
        "transfer",
        "mixed",
        "series",
        "sequences",
        "gru",
        "lstm",
        "separable sequences",
    ],
)
def test_lite_rt_computes_what_is_served(tmp_path, monkeypatch, recipe, problem, features):
    monkeypatch.setattr(transfer, "pretrained", small_base)
    keras.utils.set_random_seed(1)
    targets = np.arange(ROWS) % 2
    model = recipe.train(problem, 2 if problem is MULTICLASS else 1, Fold(features, targets, None)).model
    scores = served_graph(model, specs_of(model))(keras.tree.map_structure(tf.constant, features))["scores"].numpy()
    compute = lite_runner(lite_form(model, tmp_path))

    for count in (1, ROWS, 3, 1):
        rows = {name: array[:count] for name, array in features.items()}
        assert compute(**rows)["scores"] == pytest.approx(scores[:count], abs=1e-5)
