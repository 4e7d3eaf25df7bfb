"""What a file in `training/tasks` declares, and how the tasks in a package are found."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import Field, dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np

from serving.contract import Reading, Record
from serving.contract.arrays import Features
from serving.contract.handling import HANDLINGS, Handling
from serving.contract.heads import Head
from training.data.datasets import Dataset, Instance
from training.errors import BadRequest
from training.execution.execution import Execution
from training.problem_types import Problem
from training.task_imports import clash, imported, module_names
from training.validation import ValidationStrategy

Say = Callable[[str], None]
"""Called with each line of a job's progress."""

TASKS = "training.tasks"
"""Package of the tasks that come with Plumbline."""


@dataclass(frozen=True)
class Fold:
    """The data of one training run: features and targets, and those to validate on (None in the final run).

    Targets are an array, or an array for each output if the model has several. Of features and targets there may be
    several *versions* of all rows, one after the other, of which each epoch takes the next. *known* has what fits of
    the same rows share, if there are such: the training rows come first, and then those to validate on.
    """

    features: Features
    targets: Any
    validation: tuple[Features, Any] | None
    execution: Execution = field(default_factory=Execution)
    versions: int = 1
    known: dict[Any, Any] | None = None

    @property
    def rows(self) -> int:
        """The number of training rows."""
        return len(next(iter(self.features.values()))) // self.versions


Curves = Mapping[str, Sequence[float]]
"""Loss and metric by epoch, on training rows and (`val_...`) on validation rows."""


@dataclass(frozen=True)
class Trained:
    """A trained Keras model, which maps a dict of features to scores, and the curves of each stage of its training."""

    model: Any
    curves: Mapping[str, Curves]


class Recipe(Protocol):
    """Everything that can be configured about a network and its training: a frozen dataclass.

    One whose stages don't follow from its settings that end in `epochs` says the epochs of each by a method `stages`.
    """

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    def train(self, problem: Problem, width: int, fold: Fold) -> Trained:
        """Train a network whose output is `scores: float32[batch, width]`.

        To a task that asks several questions, *problem* is a `MultiOutput`, and *width* the sum of its widths.
        """
        ...

    def settled(self, folds: Sequence[Mapping[str, Curves]]) -> "Recipe":
        """Return the recipe for the final training on all rows, which has no validation rows."""
        ...


_HEAD_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")

ANSWER = "answer"
"""The name of the head of a task that asks one question."""


@dataclass(frozen=True)
class Question:
    """What is asked of a model: the type of problem, and the head that answers, made from the data."""

    problem: Problem
    output: Callable[[Dataset], Head]


@dataclass(frozen=True)
class Declared:
    """A file other than Python that declares a task: its *path*, and a hash of what it says."""

    path: Path
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Task:
    """One model: its data, preprocessing, network and recipes.

    A task asks one question (*problem* and *output*), or several (*heads*, by name, which are also the outputs' and the
    targets' names). The first is the main one: by its metric the gate decides, and its targets are stratified.

    *load* takes the folder with local copies of data sets, or None. *fit* fits the record to training instances
    only. *protocol* is the validation strategy. *recipes* are ordered from the plainest to the best; *sample_recipes*
    has a small variant of each, for the built-in sample.

    On the test rows, the problem's metric must reach *floor*, and may be worse than the live version's by
    *regression_tolerance* at most. *tolerance* is how far scores may differ when they are computed again elsewhere.
    *others* are variants of the task for other data sets, by the data set's name. *declared* is the file that the task
    is from, if that is not a Python module. *rivals* gives the scores of other libraries' models on the test rows,
    by name, which the report shows beside the model: of several heads by the head's name; else of the first. *reading*
    is how files of the task's rows are written, so that `plumbline score` reads them as training did. *naive* gives the
    scores of a naive baseline that knows more than the training targets, by name: then this is the one to beat.
    *capture* says by field what may become of its values where a gateway captures requests: "keep", "hash" or "drop";
    of the others texts and pictures are dropped, and all else is kept.
    """

    problem: Problem | None = None
    output: Callable[[Dataset], Head] | None = None
    heads: Mapping[str, Question] = field(default_factory=dict)
    load: Callable[[Path | None], Dataset]
    load_sample: Callable[[], Dataset]
    fit: Callable[[Dataset, Sequence[Instance], Any], Record]
    protocol: ValidationStrategy
    recipes: Mapping[str, Recipe]
    sample_recipes: Mapping[str, Recipe]
    floor: float | None = None
    regression_tolerance: float = 0.0
    tolerance: float = 1e-3
    others: Mapping[str, "Task"] = field(default_factory=dict)
    declared: Declared | None = None
    rivals: Callable[[Dataset], Mapping[str, np.ndarray | Mapping[str, np.ndarray]]] = lambda data: {}
    reading: Reading | None = None
    naive: Callable[[Dataset], Mapping[str, np.ndarray]] = lambda data: {}
    capture: Mapping[str, Handling] = field(default_factory=dict)

    def __post_init__(self) -> None:
        given = [self.problem is not None, self.output is not None]
        if any(given) == bool(self.heads) or any(given) != all(given):
            raise BadRequest("expected Task(problem=..., output=...), or Task(heads={...}), not both")
        for name in self.heads:
            if not _HEAD_NAME.fullmatch(name):  # it becomes part of names in the graph
                raise BadRequest(f"head {name!r}: expected a name of ASCII letters, digits, '_', '-' and '.'")
        for name, handling in self.capture.items():
            if handling not in HANDLINGS:
                raise BadRequest(f"capture of {name!r}: expected one of {', '.join(HANDLINGS)}, got {handling!r}")

    @property
    def questions(self) -> Mapping[str, Question]:
        """The questions by the name of their head."""
        if self.problem and self.output:
            return {ANSWER: Question(self.problem, self.output)}
        return self.heads

    @property
    def main(self) -> Question:
        """The question by whose metric the model is judged."""
        return next(iter(self.questions.values()))

    def on(self, dataset: str | None) -> "Task":
        """Return the task for the data set called *dataset* (None: its own). Raises BadRequest if there is none."""
        if dataset is None:
            return self
        if dataset not in self.others:
            raise BadRequest(f"unknown data set '{dataset}'; available: {', '.join(self.others) or 'none'}")
        return self.others[dataset]


def task_names(package: str = TASKS) -> tuple[str, ...]:
    """Return the models of *package*, one for each module in it. Raises BadRequest if it is not a package."""
    return module_names(package)


def find_task(name: str, package: str = TASKS) -> Task:
    """Import the task called *name*. Raises BadRequest if there is none, or if it can't be imported."""
    names = task_names(package)
    if name not in names:
        hint = clash(package)
        raise BadRequest(f"unknown model '{name}'; available: {', '.join(names) or 'none'}" + (hint and f"; {hint}"))
    task = getattr(imported(f"{package}.{name}"), "TASK", None)
    if not isinstance(task, Task):
        raise BadRequest(f"{package}.{name}: expected TASK = Task(...), got {type(task).__name__}")
    return task
