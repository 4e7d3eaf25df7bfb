"""What does a house cost here, in $1000? Suburbs of Boston, or (as `california`) districts of California."""

import dataclasses

from serving.contract.heads import Value
from training.data.datasets import boston_housing, california_housing
from training.data.preprocessing import tabular_scaler
from training.data.samples import district_prices, house_prices
from training.networks.dense import Dense
from training.networks.ensembles import DenseEnsemble
from training.problem_types import REGRESSION
from training.task import Task
from training.validation import HoldOut, KFold

BOSTON = Task(
    problem=REGRESSION,
    output=lambda data: Value("$1000"),
    load=lambda data_dir: boston_housing(),
    load_sample=house_prices,
    fit=tabular_scaler,
    protocol=KFold(4),
    recipes={
        "baseline": Dense(epochs=130, batch_size=16),
        "best": DenseEnsemble(loss="mae", without=("B",)),  # B encodes race
    },
    floor=3.0,  # $1000
    regression_tolerance=0.3,  # $1000
    sample_recipes={
        "baseline": Dense(epochs=25, batch_size=8),
        "best": DenseEnsemble(loss="mae", members=2, epochs=12, batch_size=16, rate=1e-2, without=("B",)),
    },
    tolerance=1e-2,  # of $1000: prices are 50 times larger than probabilities
)

CALIFORNIA = dataclasses.replace(
    BOSTON,
    load=lambda data_dir: california_housing(),
    load_sample=district_prices,
    protocol=HoldOut(0.2),
    recipes={
        "baseline": Dense(epochs=30, batch_size=128),
        "best": DenseEnsemble(loss="mae", units=(128, 64), noise=0.0, epochs=60, batch_size=256),
    },
    floor=None,  # not measured yet
    regression_tolerance=2.0,
    sample_recipes={
        "baseline": Dense(epochs=25, batch_size=8),
        "best": DenseEnsemble(loss="mae", members=2, epochs=12, batch_size=16, rate=1e-2),
    },
    tolerance=0.1,  # prices go up to $500,001
)

TASK = dataclasses.replace(BOSTON, others={"california": CALIFORNIA})
