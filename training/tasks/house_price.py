"""What does a house cost in this suburb, in $1000? Boston housing."""

from serving.contract import Value
from training.datasets import boston_housing
from training.networks import Dense
from training.preprocessing import tabular_scaler
from training.problems import REGRESSION
from training.protocols import KFold
from training.samples import house_prices
from training.task import Task

TASK = Task(
    problem=REGRESSION,
    output=lambda data: Value("$1000"),
    load=lambda data_dir: boston_housing(),
    load_sample=house_prices,
    fit=tabular_scaler,
    protocol=KFold(4),
    recipes={"baseline": Dense(epochs=130, batch_size=16)},
    floor=3.2,  # $1000
    regression_tolerance=0.3,  # $1000
    sample_recipes={"baseline": Dense(epochs=25, batch_size=8)},
    tolerance=1e-2,  # of $1000: prices are 50 times larger than probabilities
)
