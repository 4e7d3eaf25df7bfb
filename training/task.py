"""What a file in `training/tasks` declares, and how the tasks of a package are found."""

import importlib
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from typing import Protocol as Interface

from serving.contract.outputs import Output
from serving.contract.preprocessors import Preprocessor
from serving.contract.tensors import Features
from training.datasets import Dataset, Instance
from training.errors import BadRequest
from training.problems import Problem
from training.protocols import Protocol

TASKS = "training.tasks"
"""The package of the tasks that Plumbline brings."""


@dataclass(frozen=True)
class Fold:
    """What one training run sees: features and targets, and those it is validated on (None in the final run)."""

    features: Features
    targets: Any
    validation: tuple[Features, Any] | None


class Recipe(Interface):
    """All that can be set about a network and its training: a frozen dataclass."""

    def train(self, problem: Problem, width: int, fold: Fold) -> Any:
        """Give a trained Keras model, from a dict of features to `scores: float32[batch, width]`."""
        ...


@dataclass(frozen=True)
class Task:
    """One model: its data, its preprocessing, its network, its recipes.

    *load* takes the folder with local copies of data sets, if there is one. *fit* fits the preprocessor on training
    instances only. *sample_recipes* has a small form of each recipe, for the built-in sample.
    """

    problem: Problem
    output: Callable[[Dataset], Output]
    load: Callable[[Path | None], Dataset]
    load_sample: Callable[[], Dataset]
    fit: Callable[[Dataset, Sequence[Instance], Any], Preprocessor]
    protocol: Protocol
    recipes: Mapping[str, Recipe]
    sample_recipes: Mapping[str, Recipe]
    tolerance: float = 1e-3


def task_names(package: str = TASKS) -> tuple[str, ...]:
    """List the models of *package*: one for each file in its folder."""
    folder = importlib.import_module(package).__path__
    return tuple(sorted(module.name for module in pkgutil.iter_modules(folder)))


def find_task(name: str, package: str = TASKS) -> Task:
    """Import the task called *name*; raises BadRequest with the names there are."""
    names = task_names(package)
    if name not in names:
        raise BadRequest(f"no model '{name}'; there are {', '.join(names)}")
    task: Task = importlib.import_module(f"{package}.{name}").TASK
    return task
