"""One training job from raw data to a published version: validate, retrain on all, test once, export."""

import dataclasses
import importlib.metadata
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import keras
import numpy as np

from serving.contract import Contract, ParityExample
from serving.contract.outputs import Output
from serving.contract.preprocessors import Preprocessor
from serving.contract.tensors import Array
from training.datasets import Dataset, Part, as_json
from training.errors import BadRequest
from training.export import export
from training.overrides import override
from training.protocols import Protocol, checked_splits
from training.publishing import publish
from training.task import Fold, Recipe, Task, Trained

PARITY_EXAMPLES = 3
Say = Callable[[str], None]


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

    def recipe(self) -> Recipe:
        """Give the recipe (its small form for the sample) with the overrides; raises BadRequest."""
        recipes = self.task.sample_recipes if self.sample else self.task.recipes
        if self.recipe_name not in recipes:
            raise BadRequest(f"{self.name} has no recipe '{self.recipe_name}'; there are {', '.join(recipes)}")
        recipe: Recipe = override(recipes[self.recipe_name], self.overrides)
        return recipe


@dataclasses.dataclass(frozen=True)
class Result:
    """A model with the contract that it was trained by."""

    model: keras.Model
    contract: Contract


def run(job: Job) -> Path:
    """Train and publish; give the folder of the new version. Raises TrainingError or ParityError."""
    result = train(job)
    return publish(job.models_dir, job.name, lambda folder: export(result.model, result.contract, folder))


def train(job: Job) -> Result:
    """Validate the recipe, train on all rows, evaluate once on the test rows. Raises TrainingError."""
    started = time.monotonic()
    recipe = job.recipe()
    data = job.task.load_sample() if job.sample else job.task.load(job.data_dir)
    output = job.task.output(data)
    job.say(f"{job.name}: {len(data.train.targets)} rows to train on, {len(data.test.targets)} for the test")
    folds, validation = _validate(job, recipe, data, output)
    recipe = recipe.settled(folds)

    job.say(f"{job.name}: training on all {len(data.train.targets)} rows")
    preprocessor, trained = _fit(job, recipe, data, output, data.train, None)
    scores = _scores(trained, preprocessor, data.test.instances)
    evaluation = _evaluation(job.task, data, output, validation, scores)
    job.say(f"{job.name}: {_summary(evaluation)}")
    contract = Contract(
        model=job.name,
        problem=job.task.problem.name,
        preprocessor=preprocessor,
        output=output,
        examples=_parity_examples(preprocessor, data.test.instances[:PARITY_EXAMPLES], trained),
        tolerance=job.task.tolerance,
        evaluation=evaluation,
        provenance=_provenance(job, recipe, data, time.monotonic() - started),
    )
    return Result(trained.model, contract)


def _validate(job: Job, recipe: Recipe, data: Dataset, output: Output) -> tuple[list[Trained], dict[str, Any]]:
    """Measure the recipe by the protocol; the preprocessor of each fold sees its training rows only."""
    problem, targets, protocol = job.task.problem, data.train.targets, job.protocol or job.task.protocol
    folds: list[Trained] = []
    measured: list[float] = []
    for train_rows, validation_rows in checked_splits(protocol, targets, job.seed):
        job.say(f"{job.name}: {protocol.name}, fold {len(folds) + 1}")
        held_out = data.train.rows(validation_rows)
        preprocessor, trained = _fit(job, recipe, data, output, data.train.rows(train_rows), held_out)
        folds.append(trained)
        measured.append(problem.measure(held_out.targets, _scores(trained, preprocessor, held_out.instances)))
    spread = {problem.metric: float(np.mean(measured)), "spread": float(np.std(measured)), "folds": measured}
    return folds, {"protocol": {"name": protocol.name, **dataclasses.asdict(protocol)}, **spread}


def _fit(
    job: Job, recipe: Recipe, data: Dataset, output: Output, train: Part, held_out: Part | None
) -> tuple[Preprocessor, Trained]:
    keras.utils.set_random_seed(job.seed)
    preprocessor = job.task.fit(data, train.instances, recipe)
    validation = (_features(preprocessor, held_out.instances), held_out.targets) if held_out else None
    fold = Fold(_features(preprocessor, train.instances), train.targets, validation)
    return preprocessor, recipe.train(job.task.problem, output.width, fold)


def _features(preprocessor: Preprocessor, instances: Any) -> dict[str, Array]:
    return preprocessor.transform([preprocessor.decode(instance) for instance in instances])


def _scores(trained: Trained, preprocessor: Preprocessor, instances: Any) -> Array:
    features = _features(preprocessor, instances)
    return np.asarray(trained.model.predict(features, batch_size=256, verbose=0), np.float32)


def _evaluation(task: Task, data: Dataset, output: Output, validation: Mapping[str, Any], scores: Array) -> Any:
    problem = task.problem
    naive = problem.naive_scores(data.train.targets, len(scores), output.width)
    return {
        "metric": problem.metric,
        "test": {problem.metric: problem.measure(data.test.targets, scores), "rows": len(scores)},
        "validation": validation,
        "baseline": {"name": problem.naive_name, problem.metric: problem.measure(data.test.targets, naive)},
    }


def _summary(evaluation: Mapping[str, Any]) -> str:
    metric = evaluation["metric"]
    parts = {name: evaluation[name][metric] for name in ("test", "validation", "baseline")}
    return f"{metric} " + ", ".join(f"{name} {value:.4f}" for name, value in parts.items())


def _parity_examples(preprocessor: Preprocessor, instances: Any, trained: Trained) -> tuple[ParityExample, ...]:
    features = _features(preprocessor, instances)
    scores = np.asarray(trained.model(features, training=False), np.float32)
    return tuple(
        ParityExample(as_json(instance), {name: array[row] for name, array in features.items()}, scores[row])
        for row, instance in enumerate(instances)
    )


def _provenance(job: Job, recipe: Recipe, data: Dataset, seconds: float) -> dict[str, Any]:
    return {
        "data": data.name,
        "data_sha256": data.sha256(),
        "recipe": job.recipe_name,
        "settings": dataclasses.asdict(recipe),
        "seed": job.seed,
        "trained_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "trained_seconds": round(seconds, 1),
        "versions": {name: importlib.metadata.version(name) for name in ("plumbline", "tensorflow", "keras", "numpy")},
        "git_revision": _git_revision(),
    }


def _git_revision() -> str | None:
    git = shutil.which("git")
    if git is None:
        return None
    command = [git, "-C", str(Path(__file__).parent), "rev-parse", "HEAD"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own constant words
    return done.stdout.strip() or None
