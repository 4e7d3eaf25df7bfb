"""Models of own data with the default recipes, beside scikit-learn's on the same test rows."""

import contextlib
import io
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from benchmarks.own_data import write_data
from benchmarks.results import Results
from training.declarations.overview import look_at
from training.declarations.task import declared_task
from training.declarations.toml_writing import table_toml
from training.execution.execution import Execution
from training.experiments.evaluation import Experiment
from training.task import Task

Say = Callable[[str], None]


def compare_recipes(names: Sequence[str], seeds: int, folder: Path, results: Results, say: Say) -> None:
    """Write each data set's file, declare it as `plumbline new` does, and train it as `plumbline train` would."""
    for name in names:
        path, target = write_data(name, folder)
        overview = look_at(path, target)
        file = folder / f"{name}.toml"
        file.write_text(table_toml(overview, path.name, name, f"plumbline new {path.name} --target {target}"), "utf-8")
        task = declared_task(file)[1]
        rivals: Mapping[str, float] = {}
        for seed in range(1, seeds + 1):
            start = time.monotonic()
            experiment = Experiment(name, task, task.load(None), Execution(seed=seed), lambda line: None)
            validation, tested = _trained(experiment, task)
            rivals = rivals or experiment.rivals(next(iter(experiment.problems)))
            facts = {"rows": len(experiment.data.train), "recipe": next(iter(task.recipes)), "metric": _metric(task)}
            results.add(
                "recipe", data=name, seed=seed, **facts, higher_is_better=_rises(task), test=tested,
                validation=validation, rivals=dict(rivals), seconds=round(time.monotonic() - start, 1),
            )  # fmt: skip
            told = ", ".join(f"{rival.partition(' (')[0]} {value:.4f}" for rival, value in rivals.items())
            say(
                f"{name}, seed {seed}: {_metric(task)} {tested:.4f} (validation {validation:.4f}); {told or 'no rival'}"
            )


def _trained(experiment: Experiment, task: Task) -> tuple[float, float]:
    """Return the metric on validation rows and on test rows, after the training that a job does."""
    (recipe,) = task.recipes.values()
    (head,) = experiment.problems
    with open(os.devnull, "w") as quiet, contextlib.redirect_stdout(io.TextIOWrapper(quiet.buffer)):
        validation = experiment.validate(recipe, task.protocol)
        fitted = experiment.fit(recipe.settled([fold.stages for fold in validation.folds]), experiment.data.train)
    problem = experiment.problems[head].settled(validation.targets[head], validation.scores[head])
    scores = experiment.by_head(fitted.outputs(experiment.data.test.instances))[head]
    mean = sum(fold.metric for fold in validation.folds) / len(validation.folds)
    return mean, problem.measure(experiment.data.test.targets_of(head), scores)


def _metric(task: Task) -> str:
    return task.main.problem.metric


def _rises(task: Task) -> bool:
    return task.main.problem.higher_is_better
