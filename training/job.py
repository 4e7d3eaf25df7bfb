"""One training job from raw data to a published version: validate, train on all rows, test once, report, publish."""

import dataclasses
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import keras
import numpy as np

from serving.contract import Contract, ParityExample, Value
from training import gate
from training.datasets import Instance, as_json
from training.errors import BadRequest
from training.evaluation import Experiment, Fitted, Stopwatch, as_evaluation
from training.export import export
from training.overrides import override
from training.protocols import Protocol
from training.provenance import git_revision, package_versions
from training.publishing import live_contract, publish
from training.record import RunRecord
from training.report import write_report
from training.task import Recipe, Say, Task

PARITY_EXAMPLES = 3


@dataclasses.dataclass(frozen=True)
class Job:
    """What to train, and where to; *overrides* change the recipe, and *protocol* replaces the task's own."""

    name: str
    task: Task
    recipe_name: str
    models_dir: Path
    data_dir: Path | None
    sample: bool
    seed: int
    say: Say
    overrides: Sequence[str] = ()
    protocol: Protocol | None = None
    reports_dir: Path | None = None

    def recipe(self) -> Recipe:
        """Give the recipe (its small form for the sample) with the overrides; raises BadRequest."""
        recipes = self.task.sample_recipes if self.sample else self.task.recipes
        if self.recipe_name not in recipes:
            raise BadRequest(f"{self.name} has no recipe '{self.recipe_name}'; there are {', '.join(recipes)}")
        recipe: Recipe = override(recipes[self.recipe_name], self.overrides)
        return recipe


@dataclasses.dataclass(frozen=True)
class Result:
    """A model with the contract that it was trained by, and the record of its training."""

    model: keras.Model
    contract: Contract
    record: RunRecord


def run(job: Job) -> Path:
    """Train and publish; give the folder of the new version. Raises TrainingError or ParityError.

    The report is written also for a model that the gate refuses.
    """
    gate.check_data(job.name, job.sample, live_contract(job.models_dir, job.name))
    result = train(job)

    def admit(live: Contract | None) -> None:
        task = job.task
        job.say(f"{job.name}: {gate.check(result.contract, live, task.problem, task.floor, task.regression_tolerance)}")

    try:
        return publish(job.models_dir, job.name, lambda folder: export(result.model, result.contract, folder), admit)
    finally:
        if job.reports_dir:
            job.say(f"{job.name}: report {_report(result.record, job.reports_dir / job.name)}")


def train(job: Job) -> Result:
    """Validate the recipe, train on all rows, evaluate once on the test rows. Raises TrainingError."""
    clock, recipe, task = Stopwatch(), job.recipe(), job.task
    data = task.load_sample() if job.sample else task.load(job.data_dir)
    experiment = Experiment(job.name, task, data, task.output(data), job.seed, job.say)
    clock.lap("data")
    job.say(f"{job.name}: {len(data.train.targets)} rows to train on, {len(data.test.targets)} for the test")
    protocol = job.protocol or task.protocol
    folds = experiment.validate(recipe, protocol)
    clock.lap("validation")

    job.say(f"{job.name}: training on all {len(data.train.targets)} rows")
    recipe = recipe.settled([fold.stages for fold in folds])
    fitted = experiment.fit(recipe, data.train)
    clock.lap("training")
    scores = fitted.scores(data.test.instances)
    clock.lap("test")
    record = RunRecord(
        model=job.name,
        problem=task.problem,
        recipe=job.recipe_name,
        settings=dataclasses.asdict(recipe),
        data=data.name,
        data_sha256=data.sha256(),
        seed=job.seed,
        protocol={"name": protocol.name, **dataclasses.asdict(protocol)},
        folds=folds,
        final=fitted.trained.curves,
        train_rows=len(data.train.targets),
        test_instances=data.test.instances,
        test_targets=data.test.targets,
        test_scores=scores,
        labels=data.labels,
        unit=experiment.output.unit if isinstance(experiment.output, Value) else "",
        baselines={task.problem.naive_name: experiment.naive()},
        seconds=clock.seconds,
        versions=package_versions(),
        sample=job.sample,
    )
    contract = _contract(experiment, record, fitted)
    job.say(f"{job.name}: {_summary(contract.evaluation)}")
    return Result(fitted.trained.model, contract, record)


def _contract(experiment: Experiment, record: RunRecord, fitted: Fitted) -> Contract:
    return Contract(
        model=record.model,
        problem=record.problem.name,
        preprocessor=fitted.preprocessor,
        output=experiment.output,
        examples=_parity_examples(fitted, record.test_instances[:PARITY_EXAMPLES]),
        tolerance=experiment.task.tolerance,
        evaluation=as_evaluation(record),
        provenance={
            "data": record.data,
            "data_sha256": record.data_sha256,
            "recipe": record.recipe,
            "settings": record.settings,
            "seed": record.seed,
            "seconds": record.seconds,
            "versions": record.versions,
            "trained_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "git_revision": git_revision(),
        },
    )


def _parity_examples(fitted: Fitted, instances: Sequence[Instance]) -> tuple[ParityExample, ...]:
    features = fitted.features(instances)
    scores = np.asarray(fitted.trained.model(features, training=False), np.float32)
    return tuple(
        ParityExample(as_json(instance), {name: array[row] for name, array in features.items()}, scores[row])
        for row, instance in enumerate(instances)
    )


def _summary(evaluation: Any) -> str:
    metric = evaluation["metric"]
    parts = {name: evaluation[name][metric] for name in ("test", "validation", "baseline")}
    return f"{metric} " + ", ".join(f"{name} {value:.4f}" for name, value in parts.items())


def _report(record: RunRecord, folder: Path) -> Path:
    aside = folder / datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    aside.mkdir(parents=True, exist_ok=True)
    return write_report(record, aside)
